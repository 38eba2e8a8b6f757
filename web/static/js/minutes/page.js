import { Announcer } from "../announcer.js";
import { markReady, readBoot } from "../boot.js";
import { Editor } from "./editor.js";
import { PageLink } from "./links.js";
import { Sheet } from "./sheet.js";
import { UnsentStore } from "./store.js";

/** The minutes outside the room: before the sitting to prepare, after it to finish. */
const area = document.getElementById("minutes");
if (area) {
  const { address, csrf_token: token, session_id: session, who } = readBoot();
  const link = new PageLink(address, token);
  const sheet = new Sheet(link, new UnsentStore(session, who));
  link.on("sheet", (view) => sheet.load(view));
  link.on("ready", () => sheet.refresh());
  new Editor(area, sheet, new Announcer());
  sheet.refresh();
}
markReady();
