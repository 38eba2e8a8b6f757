import { prepareAll } from "../signature_pad.js";

/** Read-aloud of the minutes, by the browser's own voice; a button only where there is one. @param {ParentNode} root */
export function prepareReading(root) {
  const button = root.querySelector("[data-read-aloud]");
  const text = root.querySelector("[data-aloud]");
  if (!button || !text || !("speechSynthesis" in window)) return;
  button.hidden = false;
  let reading = false;
  const show = () => (button.textContent = reading ? "停止朗读" : "朗读全文");
  button.addEventListener("click", () => {
    speechSynthesis.cancel();
    reading = !reading;
    show();
    if (!reading) return;
    const parts = [...text.querySelectorAll("h2, .paragraph-text")].map((part) => part.textContent.trim()).filter(Boolean);
    parts.forEach((words, place) => {
      const said = new SpeechSynthesisUtterance(words);
      said.lang = "zh-CN";
      said.rate = 0.9;
      if (place === parts.length - 1) said.onend = () => ((reading = false), show());
      speechSynthesis.speak(said);
    });
  });
}

/** The same for a page shown inside another. @param {ParentNode} root */
export function prepareMinutes(root) {
  prepareAll(root);
  prepareReading(root);
}

prepareReading(document);
