import { element } from "../elements.js";
import { t } from "../translate.js";

/** Keys with Alt and Shift: browsers, input methods and screen readers leave these alone. */
const KEYS = [
  ["KeyM", "M", t("开或关自己的麦克风"), "microphone"],
  ["KeyV", "V", t("开或关自己的摄像头"), "camera"],
  ["KeyH", "H", t("举手或放下"), "hand"],
  ["KeyE", "E", t("出示或收起材料"), "show"],
  ["KeyN", "N", t("叫下一位"), "call_next"],
  ["KeyQ", "Q", t("全体静音"), "mute_all"],
  ["KeyP", "P", t("暂停或继续"), "pause"],
  ["KeyX", "X", t("结束接访（会再问一次）"), "close"],
  ["KeyL", "L", t("换下一种画面版式"), "next_layout"],
  ["KeyU", "U", t("到人员名单"), "people"],
  ["KeyK", "K", t("打开这张表"), "keys"],
];
const MOST_PHASES = 9;
/** As `comboOf` of mark_keys.js says them. */
export const TAKEN = new Set([...KEYS.map(([code]) => code), ...Array.from({ length: 10 }, (_, digit) => `Digit${digit}`)].map((code) => `Alt+Shift+${code}`));

/** The console by keyboard: a key presses the button that a mouse would press. */
export class Shortcuts {
  #acts;
  #marks;

  /**
   * @param {(name: string) => HTMLElement} action
   * @param {Record<string, () => void>} acts what has no button: next_layout, people
   * @param {(number: number) => void} begin a phase
   * @param {() => HTMLElement} marks the keys of the marks, to be read and changed
   */
  constructor(action, acts, begin, marks) {
    this.#marks = marks;
    this.#acts = { ...acts, keys: () => this.show() };
    action("keys").addEventListener("click", () => this.show());
    document.addEventListener("keydown", (event) => {
      if (!event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
      const digit = /^Digit(\d)$/.exec(event.code);
      const key = KEYS.find(([code]) => code === event.code);
      if (!digit && !key) return;
      event.preventDefault();
      if (digit) begin(Number(digit[1]));
      else this.#press(key[3], action);
    });
  }

  show() {
    const rows = [...KEYS.map(([, key, words]) => [key, words]), [`0 – ${MOST_PHASES}`, t("0 是自由发言，其余按顺序进入环节")]];
    const dialog = element("dialog.dialog", { "aria-labelledby": "keys-title" },
      element("form", { method: "dialog" },
        element("h2", { id: "keys-title", text: t("快捷键") }),
        element("p", { text: t("按住 Alt 和 Shift，再按：") }),
        element("dl.keys", {}, ...rows.map(([key, words]) => element("div", {}, element("dt", {}, element("kbd", { text: key })), element("dd", { text: words })))),
        this.#marks(),
        element("p", { text: t("Tab 在按钮之间移动，左右箭头换侧栏，Esc 关闭窗口。") }),
        element("div.dialog-acts", {}, element("button.button", { type: "submit", value: "yes", text: t("知道了") }))));
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  // Internal

  #press(name, action) {
    if (this.#acts[name]) return this.#acts[name]();
    const button = action(name);
    if (button && !button.hidden && !button.disabled) button.click();
  }
}
