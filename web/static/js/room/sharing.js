import { readBoot } from "../boot.js";
import { element } from "../elements.js";
import { openMaterials } from "../materials/choose.js";
import { canShareScreen, openCamera, openScreen, otherCameras, troubleOf } from "../media/share.js";
import { t } from "../translate.js";

/** An official shows a screen, a window, or what lies before a document camera. */
export class Sharing {
  #call;
  #capture;
  #cameras = [];

  /**
   * @param {import("../media/call.js").Call} call
   * @param {import("../media/capture.js").Capture} capture
   */
  constructor(call, capture) {
    this.#call = call;
    this.#capture = capture;
    const look = () => this.#look().catch(() => {});
    capture.on("changed", look);
    if (navigator.mediaDevices) navigator.mediaDevices.addEventListener("devicechange", look);
  }

  get active() {
    return this.#capture.tracks.has("screen");
  }

  /** Browsers let a page ask for the screen only in a click: that on the dialog's button, nothing awaited before. */
  toggle() {
    const { room, me } = this.#call;
    if (this.active) this.#capture.present(null);
    else if (room.presenter && room.presenter !== me) this.#call.emit("problem", t("别人正在出示材料，请等对方结束。"));
    else this.#choose();
  }

  // Internal

  async #look() {
    this.#cameras = await otherCameras(this.#capture);
  }

  async #show(opening) {
    try {
      this.#capture.present(await opening);
    } catch (error) {
      const words = troubleOf(error);
      if (words) this.#call.emit("problem", words);
    }
  }

  #choose() {
    const dialog = element("dialog.dialog", { "aria-labelledby": "sharing-title" });
    const option = (text, open, kind = "") => element(`button.button${kind}`, { type: "button", text, on: { click: () => {
      if (open) this.#show(open());
      dialog.close();
    } } });
    const material = element("button.button", { type: "button", text: t("上传的材料（照片、PDF）"), "data-action": "materials", on: { click: () => {
      dialog.close();
      openMaterials(readBoot(), this.#call);
    } } });
    const screen = canShareScreen() ? option(t("共享屏幕或窗口"), openScreen) : null;
    const cameras = this.#cameras.map(({ label, deviceId }, place) =>
      option(t("摄像头：{0}", label || t("第 {0} 个", place + 2)), () => openCamera({ deviceId: { exact: deviceId } }), ".button-second"));
    dialog.append(
      element("h2", { id: "sharing-title", text: t("出示什么？") }),
      element("p", { text: t("所有人都看得到，并且录入录像。请先收起无关的窗口。") }),
      element("div.dialog-options", {}, material, screen, ...cameras, option(t("取消"), null, ".button-second")));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
}
