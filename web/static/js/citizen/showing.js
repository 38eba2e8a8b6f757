import { openRear, troubleOf } from "../media/share.js";
import { t } from "../translate.js";

/** Some phones take the front camera away a moment after the rear one has opened. */
const SETTLE = 1000;

let opening = false;

/**
 * 出示材料, 收起材料: fetched with the first tap.
 *
 * @param {import("../media/call.js").Call} call
 * @param {import("../media/capture.js").Capture} capture
 */
export async function toggle(call, capture) {
  if (capture.tracks.has("screen")) return capture.present(null);
  if (call.room.presenter && call.room.presenter !== call.me) return call.emit("problem", t("别人正在出示材料，请等对方结束。"));
  if (opening) return undefined;
  opening = true;
  try {
    return await showPaper(capture);
  } catch (error) {
    return call.emit("problem", troubleOf(error));
  } finally {
    opening = false;
  }
}

/**
 * A paper before the second camera: beside the face where the phone can do both, else in its place, and
 * the face comes back by itself when the paper is put away.
 *
 * @throws what share.js words
 */
async function showPaper(capture) {
  const face = capture.tracks.get("camera");
  const wasOn = capture.isEnabled("camera");
  let paper;
  try {
    paper = await openRear(capture);
  } catch (error) {
    if (!["NotReadableError", "AbortError"].includes(error.name) || !face) throw error;
    paper = await openInstead(capture, face, wasOn);
  }
  const forget = capture.on("changed", ({ source, track }) => {
    if (source !== "screen" || track === paper) return;
    forget();
    comeBack(capture, wasOn);
  });
  capture.present(paper);
  setTimeout(() => {
    if (face && (face.muted || face.readyState === "ended") && capture.tracks.get("screen") === paper) rest(capture, face);
  }, SETTLE);
}

async function openInstead(capture, face, wasOn) {
  rest(capture, face);
  try {
    return await openRear(capture);
  } catch (error) {
    await comeBack(capture, wasOn);
    throw error;
  }
}

/** The others are told that the camera is off, and nobody asks for it meanwhile. */
function rest(capture, face) {
  capture.resting = true;
  capture.setEnabled("camera", false);
  face.stop();
}

async function comeBack(capture, wasOn) {
  if (!capture.resting) return;
  capture.resting = false;
  capture.setEnabled("camera", wasOn);
  await capture.recover();
}
