import { Announcer } from "./announcer.js";
import { t } from "./translate.js";

const EVERY = 1_000;
const RAREST = 10_000;
/** Who touched nothing for this long is not there, and asking alone must not keep a sign-in alive. */
const UNATTENDED = 60_000;

/**
 * Keeps the board fresh: asks for its part that changes, and puts in only what differs, so that focus and place
 * stay. Without a network the board says since when it stands still.
 */
class Board {
  #part;
  #fresh = document.getElementById("board-fresh");
  #announcer = new Announcer();
  #mark = "";
  #known = new Set();
  #wait = EVERY;
  #timer = 0;
  #touched = performance.now();
  #over = false;

  /** @param {HTMLElement} part */
  constructor(part) {
    this.#part = part;
    this.#known = new Set(news(part).map(({ key }) => key));
    for (const kind of ["pointerdown", "keydown", "scroll"]) {
      document.addEventListener(kind, () => (this.#touched = performance.now()), { passive: true });
    }
    document.addEventListener("visibilitychange", () => this.#soon(document.hidden ? EVERY : 0));
    this.#soon(EVERY);
  }

  // Internal

  #soon(wait) {
    clearTimeout(this.#timer);
    if (!this.#over) this.#timer = setTimeout(() => this.#look(), wait);
  }

  async #look() {
    if (document.hidden) return;
    try {
      await this.#ask();
      this.#wait = EVERY;
      this.#say("");
    } catch {
      this.#wait = Math.min(RAREST, this.#wait * 2);
      if (!this.#over) this.#say("连接中断，这里的内容不是最新的，正在重试。");
    }
    this.#soon(this.#wait);
  }

  async #ask() {
    const headers = { Accept: "text/html" };
    if (this.#mark) headers["If-None-Match"] = this.#mark;
    if (performance.now() - this.#touched > UNATTENDED) headers["X-Unattended"] = "1";
    const answer = await fetch(this.#part.dataset.address, { headers, redirect: "manual", cache: "no-store" });
    if (answer.status === 304) return;
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
      this.#over = true;
      this.#say("登录已经过期，请刷新页面重新登录。");
      throw new Error("signed out");
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    this.#mark = answer.headers.get("ETag") || "";
    this.#show(new DOMParser().parseFromString(text, "text/html").getElementById("board-live"));
  }

  #show(fresh) {
    const held = document.activeElement.closest?.("#board-live [data-key]")?.dataset.key;
    settle(this.#part, fresh);
    if (held && !this.#part.contains(document.activeElement)) {
      const place = this.#part.querySelector(`[data-key="${CSS.escape(held)}"] a, [data-key="${CSS.escape(held)}"] h2`);
      (place || this.#part.querySelector("h2"))?.focus();
    }
    const now = news(this.#part);
    const said = now.filter(({ key }) => !this.#known.has(key)).map(({ says }) => says);
    this.#known = new Set(now.map(({ key }) => key));
    if (said.length) this.#announcer.say(said.length === 1 ? said[0] : t("{0} 件新的待处置。{1}", said.length, said.join("；")));
  }

  #say(text) {
    if (this.#fresh.textContent === text) return;
    this.#fresh.textContent = text;
    this.#fresh.hidden = text === "";
    if (text) this.#announcer.alert(text);
  }
}

/** What is told once: every raising of a task has a key of its own. */
function news(part) {
  return [...part.querySelectorAll("[data-news]")].map((each) => ({ key: each.dataset.news, says: each.dataset.says }));
}

/**
 * Make `old` like `fresh` with as few changes as may be. Children with the same data-key are the same thing;
 * others are by their place, when they are of one kind.
 */
export function settle(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const wanted = new Set([...fresh.children].map((child) => child.dataset.key));
  for (const child of [...old.children]) if (child.dataset.key && !wanted.has(child.dataset.key)) child.remove();
  const byKey = new Map([...old.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const key = child.dataset?.key;
    const known = key ? byKey.get(key) : same(place, child) ? place : null;
    if (!known) {
      old.insertBefore(document.adoptNode(child), place);
      continue;
    }
    if (known === place) place = place.nextSibling;
    else old.insertBefore(known, place);
    byKey.delete(key);
    if (known.nodeType === Node.ELEMENT_NODE) settle(known, child);
    else if (known.nodeValue !== child.nodeValue) known.nodeValue = child.nodeValue;
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function same(one, other) {
  return one !== null && one.nodeType === other.nodeType && one.nodeName === other.nodeName && !one.dataset?.key && !other.dataset?.key;
}

const part = document.getElementById("board-live");
if (part) new Board(part);
