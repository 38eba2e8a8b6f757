/**
 * The console's side of the window for the hall: the same pictures without a second connection, and no
 * microphone there. The window asks for `window.lianxinHall` of the page that opened it.
 */
import { readBoot } from "../boot.js";
import { addressOf } from "../materials/choose.js";
import { t } from "../translate.js";

const NAME = "lianxin-hall";
// What is drawn on a shown page and where somebody points comes as pushes, once, to the console alone.
const ON_PAGES = ["material.strokes", "material.pointer"];
let wished = [];
let listener = null;

/** @param {import("../media/call.js").Call} call */
export function openHall(call) {
  const opened = window.open(`/sessions/${call.session.id}/hall`, NAME, "popup,width=1280,height=720");
  if (opened) opened.focus();
  else call.emit("problem", t("浏览器拦住了新窗口。请允许本站弹出窗口，再点一次。"));
}

/**
 * @param {import("../media/call.js").Call} call
 * @param {import("../media/capture.js").Capture} capture
 * @param {() => object[]} received everything that this page receives
 * @param {() => void} changed hears that the hall shows pictures in other sizes
 */
export function exposeHall(call, capture, received, changed) {
  for (const name of ON_PAGES) call.client.on(name, (push) => tell(name, push));
  call.on("pointed", (place) => tell("material.pointer", place));
  const view = {
    get room() { return call.room; },
    get session() { return call.session; },
    get me() { return call.me; },
    get now() { return call.serverNow; },
    get interrupted() { return call.media === "interrupted"; },
    get received() { return received(); },
    get materials() { return addressOf(readBoot()); },
    capture,
    /** @param {(name: string, push: object) => void} hears the one window that is open; the last one counts */
    listen(hears) { listener = hears; },
    askForStrokes() { return call.client.request("material.fetch").catch(() => {}); },
    watch(tiles) {
      wished = tiles;
      changed();
    },
  };
  Object.defineProperty(window, "lianxinHall", { value: Object.freeze(view), configurable: true });
}

function tell(name, push) {
  try {
    listener?.(name, push);
  } catch {
    listener = null; // The window is gone.
  }
}

/**
 * What is large in either window is sent large.
 * @param {{participant_id: string, source: string, height: number, visible: boolean}[]} own
 */
export function withHall(own) {
  const merged = own.map((tile) => {
    const hall = wished.find((other) => other.participant_id === tile.participant_id && other.source === tile.source && other.visible);
    if (!hall) return tile;
    return { ...tile, visible: true, height: tile.visible ? Math.max(tile.height, hall.height) : hall.height };
  });
  return merged;
}
