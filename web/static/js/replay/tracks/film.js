/** Waits for the film while the tracks are looked at, and leads to it at the same second. */
import { element } from "../../elements.js";
import { formatTime } from "../timeline.js";
import { t } from "../../translate.js";

const EVERY = 5_000;

/** @param {HTMLElement} place @param {{currentTime: number}} stage */
export function waitForFilm(place, stage) {
  const look = async () => {
    if (!document.hidden) {
      const told = await ask(place.dataset.progress);
      if (told && told.film) return offer(place, stage);
      const line = place.querySelector("strong");
      if (told && told.running && line.textContent !== told.text) line.textContent = told.text;
    }
    return setTimeout(look, EVERY);
  };
  setTimeout(look, EVERY);
}

async function ask(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function offer(place, stage) {
  const go = element("button.button", { type: "button", id: "film-go", text: t("从此刻起看成片"), on: { click: () => leave(stage) } });
  place.querySelector("div").replaceChildren(element("p", {}, element("strong", { text: t("成片已经合成") })), element("p", {}, go));
}

function leave(stage) {
  const url = new URL(location.href);
  url.hash = "";
  url.search = "";
  url.searchParams.set("t", formatTime(stage.currentTime));
  location.assign(url);
}
