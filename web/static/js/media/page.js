/**
 * Tells the room when this page goes out of sight and comes back. A phone in another application sends
 * no picture; its owner has not left.
 */
export function watchPage(call) {
  const isHidden = () => document.visibilityState !== "visible";
  document.addEventListener("visibilitychange", () => call.tellPage(isHidden()));
  window.addEventListener("pagehide", () => call.tellPage(true));
  // Out of the browser's memory of pages comes one whose socket was closed behind it.
  window.addEventListener("pageshow", (event) => (event.persisted ? call.wake() : call.tellPage(isHidden())));
  call.on("welcome", () => isHidden() && call.tellPage(true));
  // A page that was frozen, or whose sound a telephone call took, goes on as one that comes into sight.
  document.addEventListener("resume", () => call.wake());
  navigator.audioSession?.addEventListener?.("statechange", () => navigator.audioSession.state === "active" && call.wake());
}

/** For tests and support; nobody waits for it. */
export function loadDiagnostics(call, tiles) {
  import("./diagnostics.js").then(({ exposeDiagnostics }) => exposeDiagnostics(call, tiles), () => {});
}
