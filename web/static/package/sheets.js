/**
 * Documents of an exported package: the page that was up at the film's second, with the lines that were on it.
 * A classic script, as player.js; without it the list of pages is still there.
 */
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const film = document.getElementById("film");
  const data = JSON.parse(document.getElementById("sheets").textContent);
  const [figure, words, view, sheet, missing, close] = ["exhibit", "exhibit-words", "exhibit-view", "sheet", "exhibit-missing", "exhibit-close"].map((id) => document.getElementById(id));
  if (!film || !figure) return;
  const strokes = document.createElementNS(SVG, "svg");
  strokes.setAttribute("viewBox", "0 0 10000 10000");
  strokes.setAttribute("preserveAspectRatio", "none");
  let shown = null;
  let drawn = "";

  function open([, , number, who]) {
    const { name, page, pages, picture } = data.sheets[number];
    shown = number;
    drawn = "";
    const told = figure.dataset.words.replace("{0}", () => name).replace("{1}", page).replace("{2}", pages);
    words.textContent = who ? `${who} · ${told}` : told;
    missing.hidden = Boolean(picture);
    view.hidden = close.hidden = !picture;
    missing.textContent = data.sheets[number].missing ? figure.dataset.lost + data.sheets[number].missing : figure.dataset.absent;
    if (!picture) return sheet.replaceChildren();
    const image = new Image();
    image.alt = "";
    image.addEventListener("load", () => sheet.style.setProperty("--share", String(image.naturalWidth / image.naturalHeight)));
    image.addEventListener("error", () => {
      if (shown !== number) return;
      view.hidden = close.hidden = true;
      missing.hidden = false;
      missing.textContent = figure.dataset.broken;
    });
    image.src = picture;
    return sheet.replaceChildren(image, strokes);
  }

  function draw(time) {
    const lines = data.strokes.filter(([on, since, until]) => on === shown && since <= time && time < until);
    const key = lines.map(([, since, until]) => `${since}-${until}`).join();
    if (key === drawn) return;
    drawn = key;
    strokes.replaceChildren(...lines.map(([, , , points]) => {
      const line = document.createElementNS(SVG, "polyline");
      line.setAttribute("points", points.join(" "));
      return line;
    }));
  }

  function show() {
    const time = film.currentTime + 0.05; // As the marks of the lists.
    const up = data.showings.filter(([since, until]) => since <= time && time < until).at(-1);
    figure.hidden = !up;
    if (!up) shown = null;
    else if (shown !== up[2]) open(up);
    if (up) draw(time);
  }

  close.addEventListener("click", () => close.setAttribute("aria-pressed", String(figure.classList.toggle("is-close"))));
  for (const kind of ["timeupdate", "seeking", "seeked", "loadedmetadata"]) film.addEventListener(kind, show);
  show();
})();
