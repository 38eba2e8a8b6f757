import { markReady, readBoot } from "../boot.js";
import { mount } from "./upload.js";

/** The page of a session's materials: after an upload it is read anew, with the new one on it. */
const root = document.querySelector("[data-part=upload]");
if (root) mount(root, readBoot(), () => location.reload());
markReady();
