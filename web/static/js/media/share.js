import { CaptureError } from "./capture.js";
import { causeOf } from "./causes.js";
import { t } from "../translate.js";

/** Small print wants many pixels and few pictures. */
const PAPER = { width: { ideal: 1920 }, height: { ideal: 1080 }, frameRate: { ideal: 10, max: 15 } };
const SCREEN = { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 5, max: 10 } };
const NO_SUCH_CAMERA = ["OverconstrainedError", "NotFoundError"];

/** Words for what stands in the way of showing something; empty when the person thought better of it. */
export function troubleOf(error) {
  if (error.cause === "no_second_camera") return t("没有找到第二个摄像头。请把材料举到镜头前。");
  const cause = error.cause || causeOf(error);
  if (cause === "not_allowed") return "";
  if (cause === "in_use") return t("摄像头被别的应用占用。请关闭那个应用，再点「出示材料」。");
  return t("这台设备没有打开成功。请把材料举到镜头前。");
}

/** Whether this browser can show its screen; phones cannot. */
export function canShareScreen() {
  return Boolean(navigator.mediaDevices && navigator.mediaDevices.getDisplayMedia);
}

/** @returns {Promise<MediaStreamTrack>} a screen or window that the browser asks for */
export async function openScreen() {
  const wanted = { video: SCREEN, audio: false, selfBrowserSurface: "exclude" };
  return sharp(await navigator.mediaDevices.getDisplayMedia(wanted), "text");
}

/** @returns {Promise<MediaStreamTrack>} */
export async function openCamera(which) {
  return sharp(await navigator.mediaDevices.getUserMedia({ video: { ...PAPER, ...which } }), "detail");
}

/** @returns {Promise<MediaDeviceInfo[]>} cameras besides the one in use, such as a document camera */
export async function otherCameras(capture) {
  const face = capture.tracks.get("camera");
  const used = face && face.getSettings().deviceId;
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId && deviceId !== used);
}

/**
 * The rear camera of a phone, else any second camera.
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openRear(capture) {
  const painted = capture.paintPaper();
  if (painted) return painted;
  try {
    return await openCamera({ facingMode: { exact: "environment" } });
  } catch (error) {
    if (!NO_SUCH_CAMERA.includes(error.name)) throw error;
  }
  const [other] = await otherCameras(capture);
  if (!other) throw new CaptureError("no_second_camera");
  return openCamera({ deviceId: { exact: other.deviceId } });
}

/** Tells the encoder to keep letters legible rather than movements smooth. */
function sharp(stream, hint) {
  const [track] = stream.getVideoTracks();
  track.contentHint = hint;
  return track;
}
