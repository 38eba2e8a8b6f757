/**
 * A pad to sign on, by finger, pen or mouse. Strokes are kept with their times in the form's `strokes` field,
 * in the canvas's own units, so that turning the phone loses nothing.
 */
const INK = 4;

/** @param {HTMLFormElement} form with a canvas, a `strokes` field and, if wanted, a `data-clear` button */
export function prepareSigning(form) {
  const canvas = form.querySelector("canvas");
  const field = form.querySelector("[name=strokes]");
  const pen = canvas.getContext("2d");
  let strokes = [];
  let current = null;
  let began = 0;

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const within = (value, most) => Math.round(Math.min(Math.max(value, 0), most));
    return [
      within(((event.clientX - box.left) * canvas.width) / box.width, canvas.width),
      within(((event.clientY - box.top) * canvas.height) / box.height, canvas.height),
      Math.round(performance.now() - began),
    ];
  }

  function draw(from, to) {
    pen.lineWidth = INK;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(from[0], from[1]);
    pen.lineTo(to[0], to[1]);
    pen.stroke();
  }

  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    if (!strokes.length) began = performance.now();
    current = [place(event)];
    strokes.push(current);
    draw(current[0], current[0]);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!current) return;
    const next = place(event);
    draw(current[current.length - 1], next);
    current.push(next);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (current = null));
  form.querySelector("[data-clear]")?.addEventListener("click", () => {
    strokes = [];
    pen.clearRect(0, 0, canvas.width, canvas.height);
  });
  form.addEventListener("submit", () => (field.value = JSON.stringify({ width: canvas.width, height: canvas.height, strokes })));
  // Whatever sends the form by itself (js/citizen/sheet.js) reads it here.
  form.addEventListener("formdata", (event) => event.formData.set("strokes", JSON.stringify({ width: canvas.width, height: canvas.height, strokes })));
}

/** @param {ParentNode} root */
export function prepareAll(root) {
  for (const form of root.querySelectorAll("form[data-signing]")) prepareSigning(form);
  const place = root.querySelector("[data-phone-signing]");
  const button = place && place.querySelector("[data-action=sign_by_phone]");
  // Where the page is shown over a call the sheet loads it anew; elsewhere the browser does.
  const again = () => (place.closest("dialog") ? place.querySelector("a[href]").click() : location.reload());
  if (button) button.addEventListener("click", () => import("./citizen/phone_signing.js").then(({ signByPhone }) => signByPhone(place, again), () => {}));
}

prepareAll(document);
