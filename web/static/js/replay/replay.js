import { markReady } from "../boot.js";
import { Lanes } from "./lanes.js";
import { Player } from "./player.js";

markReady();
const video = document.getElementById("replay-video");
if (video) new Player(video, document.getElementById("replay-events"));
const lanes = document.getElementById("replay-lanes");
if (video && lanes) {
  const words = JSON.parse(document.getElementById("lanes-now").textContent);
  new Lanes(video, lanes, words, document.getElementById("replay-rows"));
}
