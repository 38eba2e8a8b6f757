/**
 * The player of an exported package. It runs from file://, where browsers refuse modules, so it is one classic
 * script. Without it the page is still complete: the film has its own controls and the lists are text.
 */
(() => {
  "use strict";
  const JUMP = 15;
  const film = document.getElementById("film");
  if (!film) return;
  const now = document.getElementById("now");
  const lists = [...document.querySelectorAll("[data-list]")].map((list) => [...list.querySelectorAll("[data-seek]")]);
  const links = lists.flat();
  const times = [...new Set(links.map(timeOf))].sort((a, b) => a - b);
  const buttons = Object.fromEntries([...document.querySelectorAll("[data-act]")].map((button) => [button.dataset.act, button]));
  const speeds = [...document.querySelectorAll("[data-speed]")];

  function timeOf(link) {
    return Number(link.dataset.seek);
  }

  function seek(time) {
    const end = Number.isFinite(film.duration) ? film.duration : Infinity;
    film.currentTime = Math.min(Math.max(0, time), end);
  }

  function toggle() {
    if (film.paused) film.play().catch(() => {});
    else film.pause();
  }

  function beside(step) {
    const at = film.currentTime;
    const found = step > 0 ? times.find((time) => time > at + 0.5) : times.filter((time) => time < at - 0.5).at(-1);
    if (found !== undefined) seek(found);
  }

  function fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (film.requestFullscreen) film.requestFullscreen().catch(() => {});
  }

  function setSpeed(button) {
    film.playbackRate = Number(button.dataset.speed);
    for (const one of speeds) one.setAttribute("aria-pressed", String(one === button));
  }

  /** In each list the last row that has begun is marked and kept in view; the page itself never scrolls. */
  function mark() {
    const words = [];
    for (const rows of lists) {
      const current = rows.filter((row) => timeOf(row) <= film.currentTime + 0.05).at(-1);
      for (const row of rows) {
        if (row !== current) row.removeAttribute("aria-current");
        else if (!row.hasAttribute("aria-current")) {
          row.setAttribute("aria-current", "true");
          keepInView(row);
        }
      }
      if (current) words.push(current.lastElementChild.textContent.trim());
    }
    now.textContent = words.slice(0, 1).join("");
  }

  function keepInView(row) {
    const list = row.closest(".rows");
    const top = row.getBoundingClientRect().top - list.getBoundingClientRect().top;
    if (top < 0 || top + row.offsetHeight > list.clientHeight) list.scrollTop += top - list.clientHeight / 3;
  }

  const keys = {
    " ": toggle,
    ArrowLeft: () => seek(film.currentTime - JUMP),
    ArrowRight: () => seek(film.currentTime + JUMP),
    ArrowUp: () => beside(-1),
    ArrowDown: () => beside(1),
    f: fullScreen,
    F: fullScreen,
  };
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    const pressing = event.key === " " && event.target.closest("button");
    const act = Object.hasOwn(keys, event.key) && !pressing ? keys[event.key] : null;
    // A page that is looked at closely is scrolled by the same keys.
    if (!act || (event.key.startsWith("Arrow") && event.target.closest(".is-close .exhibit-view"))) return;
    event.preventDefault();
    event.stopPropagation(); // Otherwise the film's own controls would act on the same key.
    act();
  }, true);

  for (const link of links) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      seek(timeOf(link));
      film.play().catch(() => {});
    });
  }
  buttons.back.addEventListener("click", () => seek(film.currentTime - JUMP));
  buttons.forward.addEventListener("click", () => seek(film.currentTime + JUMP));
  buttons.play.addEventListener("click", toggle);
  for (const button of speeds) button.addEventListener("click", () => setSpeed(button));
  film.addEventListener("play", () => (buttons.play.textContent = buttons.play.dataset.pause));
  film.addEventListener("pause", () => (buttons.play.textContent = buttons.play.dataset.play));
  film.addEventListener("timeupdate", mark);
  film.addEventListener("seeked", mark);
  film.addEventListener("error", () => (document.getElementById("film-problem").hidden = false));
  const asked = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  if (asked) film.addEventListener("loadedmetadata", () => seek(Number(asked[1])), { once: true });
})();
