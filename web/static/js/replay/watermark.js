import { element } from "../elements.js";

const LINES = 3; // Along the upper edge, faint across the middle, along the lower edge (desk.css).
const ATTRIBUTES = ["class", "hidden", "style"];

/**
 * Name, office and time along the edges of every picture of the page; of several in one player, of each ([data-marked]). It deters and it tells whose screen was
 * photographed; it is put back when somebody takes it away, and pictures stop where it cannot be shown.
 */
export class Watermark {
  #text;
  #now;
  #layers = new Map();
  #observer = new MutationObserver(() => this.#guard());

  /**
   * @param {string} text name and office
   * @param {() => Date} now of the server
   */
  constructor(text, now) {
    this.#text = text;
    this.#now = now;
    const options = { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES };
    this.#observer.observe(document.documentElement, options);
    this.#guard();
    setInterval(() => this.#guard(), 1000);
    document.addEventListener("fullscreenchange", () => this.#leaveBareFilm());
  }

  // Internal

  #guard() {
    const text = `${this.#text} ${spell(this.#now())}`;
    // Pages of documents are pictures as films are.
    const films = [...document.querySelectorAll("video, .sheet-view")];
    const hosts = new Map(films.map((film) => [film.closest("[data-marked], .player") || film.parentElement, film]));
    for (const film of films.filter((each) => each instanceof HTMLVideoElement)) {
      // Picture in picture and the film's own full screen would show it without its mark.
      film.disablePictureInPicture = true;
      if (!film.getAttribute("controlslist")) film.setAttribute("controlslist", "nofullscreen nodownload noremoteplayback");
    }
    for (const [host, layer] of this.#layers) if (!hosts.has(host)) this.#drop(host, layer);
    for (const host of hosts.keys()) this.#cover(host, text);
    this.#observer.takeRecords(); // What was done here is no reason to look again.
  }

  #cover(host, text) {
    if (!host.classList.contains("is-marked")) host.classList.add("is-marked");
    // The page came with one, so that no picture is ever seen without.
    let layer = this.#layers.get(host) || host.querySelector(":scope > .watermark");
    if (layer) this.#layers.set(host, layer);
    if (!layer || !intact(layer, host)) {
      layer?.remove();
      layer = element("div.watermark", { "aria-hidden": "true" }, ...Array.from({ length: LINES }, () => element("span", { text })));
      this.#layers.set(host, layer);
      host.append(layer);
    }
    for (const line of layer.children) if (line.textContent !== text) line.textContent = text;
    const hidden = !seen(layer);
    if (hidden) for (const film of host.querySelectorAll("video")) film.pause();
    for (const paper of host.querySelectorAll(".sheet-view")) paper.hidden = hidden;
  }

  #drop(host, layer) {
    layer.remove();
    host.classList.remove("is-marked");
    this.#layers.delete(host);
  }

  async #leaveBareFilm() {
    const film = document.fullscreenElement;
    if (!(film instanceof HTMLVideoElement)) return;
    await document.exitFullscreen();
    film.closest(".player")?.requestFullscreen?.().catch(() => {});
  }
}

function intact(layer, host) {
  const bare = !layer.hidden && !layer.getAttribute("style") && layer.className === "watermark";
  const lines = [...layer.children];
  return bare && layer.parentElement === host && lines.length === LINES && lines.every((line) => !line.className && !line.hidden && !line.getAttribute("style"));
}

/** Whether the style sheet still shows it. */
function seen(layer) {
  const style = getComputedStyle(layer);
  return style.display !== "none" && style.visibility === "visible" && Number(style.opacity) > 0.9 && style.position === "absolute";
}

const BEIJING = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "medium" });

/** @returns {string} 2026-11-25 09:30:05 in Beijing */
export function spell(moment) {
  return BEIJING.format(moment);
}
