import { markReady, readBoot } from "../boot.js";
import { setText } from "../elements.js";
import { t } from "../translate.js";

/** How far an import is, asked every two seconds; when it has come to a new state the page is opened again. */
const EVERY = 2000;
const boot = readBoot();
const status = document.querySelector("[data-part=progress]");
const bar = document.querySelector("[data-part=bar]");

async function look() {
  try {
    const answer = await fetch(boot.address, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const told = await answer.json();
    if (told.state !== boot.state) return location.reload();
    if (told.whole) {
      bar.max = told.whole;
      bar.value = told.done;
    }
    setText(status, told.whole ? t("已完成 {0}，共 {1}", told.done, told.whole) : t("已完成 {0}", told.done));
  } catch {
    // The next look comes anyway.
  }
  setTimeout(look, EVERY);
}

setTimeout(look, EVERY);
markReady();
