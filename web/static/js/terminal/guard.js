import { t } from "../translate.js";
import { WARNING, patienceOf } from "./patience.js";

const TOUCHES = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "scroll", "input"];
/** Without the network the cookies cannot be cleared; nothing is seen meanwhile. Milliseconds. */
const AGAIN = 2000;

/**
 * On a station's terminal: asks whether anybody is there, and clears everything of the person who leaves.
 * The visit is a window of its own (start.js), so its history goes with it.
 */
class Guard {
  #root;
  #dialog;
  #touched = performance.now();
  #warnedAt = 0;
  #ending = false;

  constructor(root) {
    this.#root = root;
    this.#dialog = root.querySelector("dialog");
    for (const kind of TOUCHES) addEventListener(kind, () => (this.#touched = performance.now()), { passive: true, capture: true });
    // A page out of the browser's memory is a page of the person before.
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
    root.querySelector("[data-terminal=ask]").addEventListener("click", () => this.#ask());
    root.querySelector("[data-terminal=end]").addEventListener("click", () => this.#end());
    root.querySelector("[data-terminal=stay]").addEventListener("click", () => this.#stay());
    this.#dialog.addEventListener("close", () => this.#stay());
    setInterval(() => this.#tick(), 500);
  }

  // Internal

  #part(name) {
    return this.#root.querySelector(`[data-part=terminal_${name}]`);
  }

  #ask() {
    this.#show(true);
  }

  #show(asked) {
    for (const name of ["asked", "sure"]) this.#part(name).hidden = !asked;
    for (const name of ["idle", "there"]) this.#part(name).hidden = asked;
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  #tick() {
    if (this.#ending) return;
    const now = performance.now();
    if (this.#warnedAt) {
      const left = Math.ceil(WARNING - (now - this.#warnedAt) / 1000);
      this.#part("left").textContent = String(Math.max(0, left));
      return left <= 0 ? this.#end() : undefined;
    }
    if (window.speechSynthesis && speechSynthesis.speaking) this.#touched = now;
    const seen = [...document.querySelectorAll("[data-screen]")].find((each) => each.getClientRects().length);
    const patience = patienceOf({ screen: seen ? seen.dataset.screen : null, path: location.pathname }, Number(this.#root.dataset.idle));
    if (now - this.#touched >= patience * 1000) this.#warn();
  }

  #warn() {
    this.#warnedAt = performance.now();
    this.#part("left").textContent = String(WARNING);
    this.#show(false);
    this.#say(t("您还在吗？没有人操作的话，一分钟后本机会清除您的信息，回到开始页。还在的话，请点「我还在」。"));
  }

  /** Heard as well: who has turned away does not see it. */
  #say(words) {
    this.#root.querySelector("[role=alert]").textContent = words;
    const voices = window.speechSynthesis ? speechSynthesis.getVoices() : [];
    const tongue = document.documentElement.lang.slice(0, 2);
    const voice = voices.find(({ lang }) => lang.slice(0, 2) === tongue || (tongue === "zh" && /^cmn/i.test(lang)));
    if (voice) speechSynthesis.speak(Object.assign(new SpeechSynthesisUtterance(words), { lang: voice.lang, voice }));
  }

  #stay() {
    this.#touched = performance.now();
    this.#warnedAt = 0;
    this.#root.querySelector("[role=alert]").textContent = "";
    if (window.speechSynthesis) speechSynthesis.cancel();
    if (this.#dialog.open) this.#dialog.close();
  }

  async #end() {
    if (this.#ending) return;
    this.#ending = true;
    const { home, end, token } = this.#root.dataset;
    this.#cover();
    await forget(end, token);
    clearStores();
    if (window.opener && !window.opener.closed) {
      window.opener.location.replace(home);
      window.close();
    }
    location.replace(home);
  }

  /** Nothing is seen, heard or filmed any more. */
  #cover() {
    if (window.speechSynthesis) speechSynthesis.cancel();
    devices.release();
    const words = this.#part("cover");
    words.hidden = false;
    document.body.replaceChildren(words);
    document.title = words.textContent;
    clearStores();
  }
}

function clearStores() {
  for (const name of ["localStorage", "sessionStorage"]) {
    try { window[name].clear(); } catch { /* Closed by the browser: then nothing was kept. */ }
  }
}

/** What was opened of camera and microphone, so that both go dark even while there is no network to leave by. */
function watchDevices() {
  const opened = [];
  let over = false;
  const media = navigator.mediaDevices;
  if (media) {
    const ask = media.getUserMedia.bind(media);
    media.getUserMedia = async (wanted) => {
      const stream = await ask(wanted);
      opened.push(...stream.getTracks());
      if (over) release();
      return stream;
    };
  }
  function release() {
    over = true;
    for (const track of opened) track.stop();
  }
  return { release };
}

/** Cookies are the server's to clear. A token that is out of date must not keep anybody's data here. */
async function forget(address, token) {
  let headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
  for (;;) {
    const answer = await fetch(address, { method: "POST", body: "{}", headers }).catch(() => null);
    if (answer && answer.status < 500 && (answer.ok || !headers["X-CSRF-Token"])) return;
    if (answer && answer.status === 403) headers = { "Content-Type": "application/json" };
    else await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}

const devices = watchDevices();
const root = document.querySelector("[data-terminal=guard]");
if (root) new Guard(root);
