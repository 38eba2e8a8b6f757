import { announceIn } from "../announcer.js";
import { element } from "../elements.js";
import { asHeld, t } from "../translate.js";

/**
 * Ask before something that cannot be undone, stating what it does. The focus begins on the way back, and Enter
 * in a field is the act: the only button that submits.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.text what will happen
 * @param {string|string[]} [question.warning] each sentence a paragraph
 * @param {string} question.yes the act, as words on the button
 * @param {boolean} [question.danger]
 * @param {{label: string, required: boolean, choices?: string[]}} [question.reason] also asks why
 * @param {{label: string, value: string, maximum: number}} [question.text_field] also asks for a text
 * @returns {Promise<{reason: string, text: string}|null>} null when the person thought better of it
 */
export function ask({ title, text, warning = "", yes, danger = false, reason = null, text_field = null }) {
  const input = reason && element("input.input", { id: "dialog-reason", maxlength: "200", autocomplete: "off", required: reason.required, list: reason.choices ? "dialog-reasons" : null });
  const other = text_field && element("input.input", { id: "dialog-text", maxlength: String(text_field.maximum), autocomplete: "off", required: true, value: text_field.value });
  const dialog = element("dialog.dialog", { "aria-labelledby": "dialog-title" },
    element("form", { method: "dialog" },
      element("h2", { id: "dialog-title", text: title }),
      element("p", { text }),
      ...[warning].flat().filter(Boolean).map((sentence) => element("p.dialog-warning", { text: sentence })),
      other ? element("div.field", {}, element("label", { for: "dialog-text", text: text_field.label }), other) : null,
      reason ? reasonField(reason, input) : null,
      element("div.dialog-acts", {},
        element("button.button.button-second", { type: "button", text: t("取消"), on: { click: () => dialog.close() } }),
        element(danger ? "button.button.button-danger" : "button.button", { type: "submit", value: "yes", text: yes }))));
  return show(dialog, input, other);
}

function reasonField(reason, input) {
  const choices = reason.choices && element("datalist", { id: "dialog-reasons" }, ...reason.choices.map((value) => element("option", { value: asHeld(value) })));
  return element("div.field", {}, element("label", { for: "dialog-reason", text: reason.label }), input, choices || null);
}

function show(dialog, input, other) {
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const agreed = dialog.returnValue === "yes";
      dialog.remove();
      resolve(agreed ? { reason: input ? input.value.trim() : "", text: other ? other.value.trim() : "" } : null);
    });
    announceIn(dialog);
    dialog.showModal();
    if (other || input) (other || input).focus();
  });
}
