/**
 * What is typed into a step is there again after back, forward and reload. It stays in this window, belongs
 * to this form alone, and goes when the form is handed in (dropped_typing.js) or the window is closed; fields
 * with `data-unkept` (codes, numbers of identity cards) are left out.
 */
import { KEPT } from "./kept.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-kept]"));
const UNTYPED = new Set(["hidden", "file", "submit", "button"]);
const fields = /** @type {HTMLInputElement[]} */ ([...form.elements]).filter(
  ({ name, type, dataset }) => name && !UNTYPED.has(type) && !("unkept" in dataset),
);
const hidden = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
const place = () => `${KEPT}${hidden("form_id").value}:${hidden("step").value}`;
const begun = `${KEPT}${location.pathname}`;
const chosen = ({ type }) => type === "radio" || type === "checkbox";
const nameOf = (field) => (chosen(field) ? `${field.name}=${field.value}` : field.name);

function keep() {
  const typed = fields.map((field) => [nameOf(field), chosen(field) ? field.checked : field.value]);
  try {
    sessionStorage.setItem(begun, hidden("form_id").value);
    sessionStorage.setItem(place(), JSON.stringify(Object.fromEntries(typed)));
  } catch {
    // A browser that keeps nothing asks for it again.
  }
}

function restore(typed) {
  for (const field of fields.filter((each) => nameOf(each) in typed)) {
    const was = typed[nameOf(field)];
    if (chosen(field)) field.checked = was;
    else field.value = was;
    if (was) field.closest("details")?.setAttribute("open", "");
  }
}

/** The first step comes as a new form each time it is loaded; who went back to it goes on with the old one. */
function goOn() {
  const [{ type }] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  const before = sessionStorage.getItem(begun);
  if (hidden("step").value === "1" && type !== "navigate" && before) hidden("form_id").value = before;
}

try {
  goOn();
  restore(JSON.parse(sessionStorage.getItem(place()) ?? "{}"));
} catch {
  // The same browser.
}
form.addEventListener("input", keep);
form.addEventListener("change", keep);
