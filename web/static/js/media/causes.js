/**
 * Why a camera or microphone does not work, in plain causes.
 *
 * @typedef {"not_allowed"|"system_blocked"|"in_use"|"not_found"|"no_signal"|"unsupported"|"insecure"} Cause
 */

/**
 * @param {{name?: string, message?: string}} error what getUserMedia rejected with
 * @returns {Cause}
 */
export function causeOf(error) {
  const message = String(error.message || "").toLowerCase();
  if (error.name === "NotAllowedError" || error.name === "SecurityError") {
    return message.includes("system") ? "system_blocked" : "not_allowed";
  }
  if (error.name === "NotReadableError" || error.name === "AbortError") return "in_use";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "not_found";
  return "unsupported";
}
