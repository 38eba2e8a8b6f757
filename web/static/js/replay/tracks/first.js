/**
 * The stage of the tracks, built as soon as its part of the page is there: pictures are asked for while the
 * server still writes what stands beside them. The rest of the page gets the same stage from here.
 */
import { parseTime } from "../timeline.js";
import { Stage } from "./stage.js";

const root = document.getElementById("replay-stage");
const told = document.getElementById("replay-tracks");

/** @type {Stage|null} */
export const stage = root && told ? begin() : null;

function begin() {
  const asked = new URLSearchParams(location.search).get("t");
  return new Stage(root, JSON.parse(told.textContent), (asked && parseTime(asked)) || 0);
}
