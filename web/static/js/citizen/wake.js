/** Keeps the screen on while somebody waits or talks; browsers drop the lock when the page is hidden. */
export class WakeLock {
  #lock = null;
  #wanted = false;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#wanted && document.visibilityState === "visible" && this.#take());
  }

  hold() {
    this.#wanted = true;
    if (!this.#lock) this.#take();
  }

  release() {
    this.#wanted = false;
    if (this.#lock) this.#lock.release().catch(() => {});
    this.#lock = null;
  }

  // Internal

  async #take() {
    if (!navigator.wakeLock) return;
    try {
      this.#lock = await navigator.wakeLock.request("screen");
      this.#lock.addEventListener("release", () => (this.#lock = null));
    } catch {
      this.#lock = null; // Low battery: the page says "do not leave" anyway.
    }
  }
}
