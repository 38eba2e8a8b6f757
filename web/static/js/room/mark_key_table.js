import { element, setText } from "../elements.js";
import { comboOf, KINDS, shown } from "./mark_keys.js";
import { WORDS } from "./marks.js";
import { t } from "../translate.js";

const HOW = t("按新的键：Ctrl+Shift 加数字，Alt+Shift 加字母，或 F2、F4、F8 至 F10。Esc 不改。");
const WHY_NOT = {
  not_allowed: t("这个键不能用。请按 Ctrl+Shift 加数字，Alt+Shift 加字母，或 F2、F4、F8 至 F10。"),
  taken: t("这个键已经有别的用处，请换一个。"),
  other_mark: t("这个键已经给了另一种标记，请换一个。"),
};

/**
 * 标记的键 in the table of keys: what they are, and a button to choose another one each.
 *
 * @param {import("./mark_keys.js").MarkKeys} keys
 * @param {() => void} changed
 * @returns {HTMLElement}
 */
export function markKeyTable(keys, changed) {
  const hint = element("p.mark-keys-hint", { role: "status" });
  const reset = element("button.button.button-second.is-small", { type: "button", text: t("恢复原来的键"), on: { click: () => restore() } });
  const rows = KINDS.map((kind) => row(kind));
  const node = element("section.mark-keys", { "aria-labelledby": "mark-keys-title" },
    element("h3", { id: "mark-keys-title", text: t("标记的键") }),
    element("dl.keys", {}, ...rows.map(({ line }) => line)), hint, reset);
  let waiting = null;
  node.addEventListener("keydown", (event) => waiting && take(event));
  paint();
  return node;

  function row(kind) {
    const combo = element("kbd");
    const button = element("button.button.button-second.is-small", { type: "button", "data-mark-key": kind, "aria-label": t("改「{0}」的键", WORDS[kind]), on: { click: () => wait(kind), blur: () => waiting === kind && wait(null) } });
    return { kind, combo, button, line: element("div", {}, element("dt", {}, combo), element("dd", {}, element("span", { text: WORDS[kind] }), button)) };
  }

  function wait(kind) {
    waiting = kind;
    setText(hint, kind ? HOW : "");
    paint();
  }

  function take(event) {
    if (event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") return wait(null);
    const combo = comboOf(event);
    if (!combo) return;
    const why = keys.change(waiting, combo);
    if (why) return setText(hint, WHY_NOT[why]);
    const word = WORDS[waiting];
    wait(null);
    setText(hint, t("「{0}」的键改为 {1}，记在这个浏览器里。", word, shown(combo)));
    changed();
  }

  function restore() {
    keys.reset();
    wait(null);
    setText(hint, t("已恢复原来的键。"));
    changed();
  }

  function paint() {
    for (const { kind, combo, button } of rows) {
      setText(combo, shown(keys.of(kind)));
      setText(button, waiting === kind ? t("请按键…") : t("改"));
    }
    reset.hidden = !keys.changed;
  }
}
