import { KEPT } from "./kept.js";

/** The form is handed in: what was typed into it stays nowhere in this window. */
try {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(KEPT)) sessionStorage.removeItem(name);
} catch {
  // A browser that keeps nothing has nothing to drop.
}
