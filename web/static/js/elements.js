/** Building DOM from text nodes only: what people type never becomes markup. */

const SVG = "http://www.w3.org/2000/svg";

/** Stroked on a 24 by 24 field. */
const PATHS = {
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM6 11a6 6 0 0 0 12 0M12 17v4M8 21h8",
  "microphone-off": "M9 9v2a3 3 0 0 0 5 2M15 10V6a3 3 0 0 0-6-1M6 11a6 6 0 0 0 9.500 5M18 11a6 6 0 0 1-.5 2.500M12 17v4M8 21h8M4 4l16 16",
  camera: "M3 7h12v10H3zM15 11l6-4v10l-6-4",
  "camera-off": "M9 7h6v6M15 17H3V7h2M15 11l6-4v10l-3-2M3 3l18 18",
  hand: "M7 12V7a1.500 1.500 0 0 1 3 0V5a1.500 1.500 0 0 1 3 0v1a1.500 1.500 0 0 1 3 0v2a1.500 1.500 0 0 1 3 0v6c0 4-2 7-6 7-3 0-5-2-6-4l-3-4a1.500 1.500 0 0 1 3-1l0 1M10 7v5M13 6v6M16 8v4",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 17.500v.5M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18z",
  leave: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  dot: "M12 7a5 5 0 1 1 0 10 5 5 0 0 1 0-10z",
  ring: "M12 6a6 6 0 1 1 0 12 6 6 0 0 1 0-12z",
  square: "M7 7h10v10H7z",
  pause: "M9 6v12M15 6v12",
  play: "M8 5l11 7-11 7z",
  people: "M9 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM3 19c0-4 3-6 6-6s6 2 6 6M16 6a3 3 0 0 1 0 5M18 14c2 1 3 3 3 5",
  more: "M5 12v.5M12 12v.5M19 12v.5M5 6v.5M12 6v.5M19 6v.5M5 18v.5M12 18v.5M19 18v.5",
  paper: "M6 3h9l4 4v14H6zM14 3v5h5M9 13h7M9 17h7",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 20a2 2 0 0 0 4 0",
  person: "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4 21a8 8 0 0 1 16 0",
  warning: "M12 4l9 16H3zM12 10v5M12 17.500v.5",
};
const FILLED = new Set(["dot", "square", "play"]);

/**
 * @param {string} tag with classes, `div.tile.is-main`
 * @param {Record<string, any>} [properties] `text`, `on` ({event: listener}), attributes; false and null are left out
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function element(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name || "div");
  node.classList.add(...classes);
  const { text, on, ...attributes } = properties;
  if (text !== undefined) node.textContent = text;
  for (const [event, listener] of Object.entries(on || {})) node.addEventListener(event, listener);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * @param {keyof typeof PATHS} name
 * @returns {SVGElement} decoration; the word beside it carries the meaning
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", FILLED.has(name) ? "icon is-filled" : "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Change the text only when it differs, so that screen readers and layout rest. */
export function setText(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}

/** A button with an icon and a word. Calling again changes both without losing focus. */
export function label(button, iconName, text, rest = "") {
  const key = `${iconName}|${text}|${rest}`;
  if (button.dataset.label === key) return;
  button.dataset.label = key;
  button.replaceChildren(icon(iconName), element("span", {}, text, rest && element("span.bar-rest", { text: rest })));
}
