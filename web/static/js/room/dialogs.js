import { element } from "../elements.js";

/**
 * Ask before something that cannot be undone, stating what it does.
 *
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.text what will happen
 * @param {string} [question.warning]
 * @param {string} question.yes the act, as words on the button
 * @param {boolean} [question.danger]
 * @param {{label: string, required: boolean, choices?: string[]}} [question.reason] also asks why
 * @returns {Promise<{reason: string}|null>} null when the person thought better of it
 */
export function ask({ title, text, warning = "", yes, danger = false, reason = null }) {
  const input = reason && element("input.input", { id: "dialog-reason", maxlength: "200", autocomplete: "off", required: reason.required, list: reason.choices ? "dialog-reasons" : null });
  const dialog = element("dialog.dialog", { "aria-labelledby": "dialog-title" },
    element("form", { method: "dialog" },
      element("h2", { id: "dialog-title", text: title }),
      element("p", { text }),
      warning ? element("p.dialog-warning", { text: warning }) : null,
      reason ? reasonField(reason, input) : null,
      element("div.dialog-acts", {},
        element("button.button.button-second", { type: "submit", value: "no", formnovalidate: true, text: "取消" }),
        element(danger ? "button.button.button-danger" : "button.button", { type: "submit", value: "yes", text: yes }))));
  return show(dialog, input);
}

function reasonField(reason, input) {
  const choices = reason.choices && element("datalist", { id: "dialog-reasons" }, ...reason.choices.map((value) => element("option", { value })));
  return element("div.field", {}, element("label", { for: "dialog-reason", text: reason.label }), input, choices || null);
}

function show(dialog, input) {
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const agreed = dialog.returnValue === "yes";
      dialog.remove();
      resolve(agreed ? { reason: input ? input.value.trim() : "" } : null);
    });
    dialog.showModal();
    if (input) input.focus();
  });
}
