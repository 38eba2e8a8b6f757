/** @param {number} bytes @returns {string} `3.2 MB` */
import { t } from "../translate.js";
export function size(bytes) {
  if (bytes < 1e6) return `${Math.round(bytes / 1e3)} KB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

/**
 * How much can still be written, as the host reads it: a time once the rate is known, otherwise a size.
 * @param {{bytes: number, free: number|null}} recording
 * @param {number} milliseconds since the recording began
 * @returns {string} `可用 512.30 GB`, `空间只够再录约 40 分钟`
 */
export function roomLeft({ bytes, free }, milliseconds) {
  if (free === null || free === undefined) return "";
  const minutes = bytes > 0 && milliseconds > 60000 ? free / (bytes / milliseconds) / 60000 : Infinity;
  return minutes < 120 ? t("空间只够再录约 {0} 分钟", Math.floor(minutes)) : t("可用 {0}", size(free));
}
