import { markReady } from "../boot.js";
import { Player } from "./player.js";

markReady();
const video = document.getElementById("replay-video");
if (video) new Player(video, document.getElementById("replay-events"));
