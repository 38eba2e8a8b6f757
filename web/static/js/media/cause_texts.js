import { t } from "../translate.js";

/**
 * What a page says when a camera or microphone does not work: one cause, one act. Fetched when it happens.
 *
 * @typedef {{title: string, act: string}} CauseText
 */

/** @type {Record<import("./causes.js").Cause, CauseText>} */
export const CAUSE_TEXTS = {
  not_allowed: {
    title: t("没有允许使用摄像头和麦克风"),
    act: t("请点地址栏旁边的图标，或手机的提示框，选择「允许」，再点「重试」。"),
  },
  system_blocked: {
    title: t("手机或电脑的系统设置关闭了摄像头或麦克风"),
    act: t("请打开系统的「设置」→「隐私」，允许浏览器使用摄像头和麦克风，再点「重试」。"),
  },
  in_use: {
    title: t("摄像头或麦克风被别的应用占用"),
    act: t("请关闭其他视频通话或录像的应用，再点「重试」。"),
  },
  not_found: {
    title: t("没有找到摄像头或麦克风"),
    act: t("请检查设备是否插好，或换一台有摄像头的手机、电脑，再点「重试」。"),
  },
  no_signal: {
    title: t("设备打开了，但没有声音或画面"),
    act: t("请检查镜头是否被挡住、麦克风是否静音，再点「重试」。"),
  },
  insecure: {
    title: t("这个地址不安全，浏览器不让用摄像头"),
    act: t("请回到短信，直接点里面的链接打开，不要手工输入地址。"),
  },
  unsupported: {
    title: t("这个应用里不能视频"),
    act: t("请复制链接，用手机自带的浏览器打开；微信里可点右上角「···」，选「在浏览器打开」。"),
  },
};
