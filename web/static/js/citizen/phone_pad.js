import { Announcer } from "../announcer.js";
import { prepareAll } from "../signature_pad.js";
import { t } from "../translate.js";

/** How often the other screen gets what was written. */
const EVERY = 300;

/** The pad on the signer's own phone: the secret of the QR code is exchanged by a tap, once, and then forgotten. */
class PhonePad {
  #root;
  #sent = "";
  #busy = false;
  #announcer = new Announcer();

  constructor(root) {
    this.#root = root;
    const open = root.querySelector("[data-action=open]");
    const form = root.querySelector("form");
    if (open) open.addEventListener("click", () => this.#open());
    if (!form) return;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sign(form);
    });
    setInterval(() => this.#draw(form), EVERY);
  }

  // Internal

  #part(name) {
    return this.#root.querySelector(`[data-part=${name}]`);
  }

  async #post(what, body) {
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(`${this.#root.dataset.at}/${what}`, { method: "POST", credentials: "same-origin", headers, body });
    if (response.ok) return "";
    const { error } = await response.json().catch(() => ({}));
    return (error && error.message) || t("没有发送成功，请再试一次。");
  }

  async #open() {
    if (this.#busy) return;
    this.#busy = true;
    const secret = location.hash.slice(1);
    const wrong = await this.#post("open", JSON.stringify({ secret })).catch(() => t("网络断开了，请再点一次。"));
    this.#busy = false;
    if (!wrong) return location.replace(location.pathname);
    this.#part("words").textContent = wrong;
    return this.#part("title").focus();
  }

  /** Nobody waits for it: a drawing that was lost is followed by a longer one. */
  #draw(form) {
    const drawn = String(new FormData(form).get("strokes"));
    if (this.#busy || drawn === this.#sent) return;
    this.#sent = drawn;
    this.#post("strokes", drawn).catch(() => (this.#sent = ""));
  }

  async #sign(form) {
    if (this.#busy) return;
    this.#busy = true;
    const wrong = await this.#post("sign", String(new FormData(form).get("strokes"))).catch(() => t("网络断开了，写的字还在。连上以后请再点一次。"));
    this.#busy = false;
    if (!wrong) return location.reload();
    this.#part("wrong").textContent = wrong;
    this.#part("wrong").hidden = false;
    this.#announcer.alert(wrong);
    return undefined;
  }
}

// The form of the other pages is sent as it is; this one writes its strokes when it is asked for them.
prepareAll(document);
const root = document.querySelector("[data-phone]");
if (root) new PhonePad(root);
