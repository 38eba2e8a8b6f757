import { setText } from "../elements.js";
import { CAUSE_TEXTS } from "../media/cause_texts.js";

const told = new Set();

/**
 * Why the devices do not work and what to do, in words; the desk learns of it at once, since many people close
 * the page here. Fetched when it happens.
 *
 * @param {(name: string) => HTMLElement} part
 * @param {import("../media/causes.js").Cause} cause
 * @param {string} ticket address of this link's tickets; the check stands beside it
 */
export function tell(part, cause, ticket) {
  const { title, act } = CAUSE_TEXTS[cause];
  setText(part("trouble_title"), title);
  setText(part("trouble_act"), act);
  if (!ticket.startsWith("/j/") || told.has(cause)) return;
  told.add(cause);
  const body = JSON.stringify({ picture: "none", voice: "none", sound: "none", trouble: cause });
  fetch(ticket.replace(/ticket$/, "check"), { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body }).catch(() => {});
}
