import { Announcer } from "../announcer.js";
import { t } from "../translate.js";

/** How often this screen looks at what is written on the phone. */
const EVERY = 700;
const INK = 4;
const WORDS = {
  waiting: t("请用您的手机扫这个二维码，在手机上写姓名。"),
  opened: t("手机已经打开，正在签字。"),
  signed: t("签字完成。"),
  cancelled: t("手机签字已经取消。可以在这里签，也可以再生成一个二维码。"),
  expired: t("二维码已经过期。可以在这里签，也可以再生成一个。"),
};

/**
 * Shows a QR code in the place of the pad and, stroke by stroke, what is written on the phone that opened it.
 * Fetched when somebody wants to sign on a phone.
 *
 * @param {HTMLElement} place with `data-at`, the address, and `data-digest`, the text that is signed
 * @param {() => void} signed what to do when it is done
 */
export async function signByPhone(place, signed) {
  const part = (name) => place.querySelector(`[data-part=${name}]`);
  const announcer = new Announcer();
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  canvas.className = "pad";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", t("手机上正在写的签名"));
  part("drawing").replaceChildren(canvas);
  const headers = { "Content-Type": "application/json" };
  const post = (what, body = {}) => fetch(place.dataset.at + what, { method: "POST", credentials: "same-origin", headers, body: JSON.stringify(body) });
  const response = await post("", { digest: place.dataset.digest }).catch(() => null);
  const told = response ? await response.json().catch(() => ({})) : {};
  if (!response || !response.ok) return say((told.error && told.error.message) || t("没有生成二维码，请再试一次。"));
  part("qr").src = told.qr;
  part("short").textContent = told.short;
  awaits(true);
  place.scrollIntoView({ block: "nearest" });
  part("cancel").onclick = () => post("/cancel").catch(() => {});
  return follow("");

  /** One place to sign at a time: the pad of this screen is away while a phone may sign. */
  function awaits(phone) {
    part("code").hidden = !phone;
    place.querySelector("[data-action=sign_by_phone]").hidden = phone;
    place.parentElement.querySelector("form[data-signing]").hidden = phone;
  }

  function say(words) {
    if (part("state").textContent === words) return;
    announcer.say(words, { topic: "phone" });
    part("state").textContent = words;
  }

  async function follow(before) {
    if (!place.isConnected) return undefined;
    const answer = await fetch(place.dataset.at, { credentials: "same-origin" }).catch(() => null);
    const { state = before, drawn = null } = answer && answer.ok ? await answer.json() : {};
    paint(state, drawn);
    if (state === "signed") return signed();
    if (state === "cancelled" || state === "expired") return awaits(false);
    return setTimeout(() => follow(state), EVERY);
  }

  function paint(state, drawn) {
    say(WORDS[state] || "");
    part("qr").hidden = state !== "waiting";
    part("drawing").hidden = state !== "opened";
    if (!drawn) return pen.clearRect(0, 0, canvas.width, canvas.height);
    Object.assign(canvas, { width: drawn.width, height: drawn.height }); // Clears it, too.
    pen.lineWidth = INK;
    pen.lineCap = "round";
    for (const stroke of drawn.strokes) {
      pen.beginPath();
      for (const [x, y] of stroke) pen.lineTo(x, y);
      pen.stroke();
    }
    return undefined;
  }
}
