import { t } from "./translate.js";

/** Durations and times as people read them. */

const two = (number) => String(number).padStart(2, "0");

/** China's civil time has been eight hours ahead of UTC, without summer time, since 1991, wherever the device believes to be. */
const AHEAD = 8 * 3600 * 1000;

/** @param {number} milliseconds @returns {string} `00:12:31` */
export function elapsed(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** @param {number} milliseconds @returns {string} `不到 1 分钟`, `12 分钟`, `1 小时 5 分钟` */
export function inWords(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / 60000));
  if (minutes === 0) return t("不到 1 分钟");
  if (minutes < 60) return t("{0} 分钟", minutes);
  return minutes % 60 ? t("{0} 小时 {1} 分钟", Math.floor(minutes / 60), minutes % 60) : t("{0} 小时", minutes / 60);
}

/** @param {number} epoch milliseconds @returns {string} `09:30` in Beijing */
export function timeOfDay(epoch) {
  const date = new Date(epoch + AHEAD);
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}

/** @param {number} epoch milliseconds @returns {string} `下午 2:14`, as it is said to citizens; parts of the day as web/words.py */
export function timeAsSaid(epoch) {
  const date = new Date(epoch + AHEAD), hour = date.getUTCHours();
  const told = `${((hour + 11) % 12) + 1}:${two(date.getUTCMinutes())}`;
  if (hour < 12) return t("上午 {0}", told);
  if (hour < 13) return t("中午 {0}", told);
  return hour < 18 ? t("下午 {0}", told) : t("晚上 {0}", told);
}
