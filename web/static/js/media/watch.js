/** Sizes settle while a window is dragged; the server hears of them this much later. */
const SETTLE = 300;
/** Finer screens than this do not make a picture look better. */
const FINEST = 2;
const HIGHEST = 8192;

/**
 * Notices how large pictures are shown and whether anybody sees them. Loaded after the first tracks.
 */
export class Watch {
  #pictures = [];
  #unseen = new WeakSet();
  #timer = null;
  #tell;
  #eyes = null;
  #rulers = null;

  /** @param {(tiles: object[]) => void} tell hears the `tiles` of the `watch` command once they have settled */
  constructor(tell) {
    this.#tell = tell;
    document.addEventListener("visibilitychange", () => this.#soon());
    if (typeof IntersectionObserver === "undefined" || typeof ResizeObserver === "undefined") return;
    this.#eyes = new IntersectionObserver((entries) => this.#look(entries));
    this.#rulers = new ResizeObserver(() => this.#soon());
  }

  /**
   * @param {{participantId: string, kind: string, source: string}[]} tracks everything received, in place of the last
   * @param {(entry: {participantId: string, source: string}) => Element|null|undefined} placeOf where its picture is
   */
  follow(tracks, placeOf) {
    const pictures = this.#pictures = tracks
      .filter(({ kind }) => kind === "video")
      .map((entry) => ({ participantId: entry.participantId, source: entry.source, element: placeOf(entry) }))
      .filter(({ element }) => element);
    for (const observer of [this.#eyes, this.#rulers]) {
      if (!observer) continue;
      observer.disconnect();
      for (const { element } of pictures) observer.observe(element);
    }
    this.#soon();
  }

  // Internal

  #look(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#unseen.delete(target);
      else this.#unseen.add(target);
    }
    this.#soon();
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(this.#pictures.map((picture) => this.#tile(picture))), SETTLE);
  }

  #tile({ participantId, source, element }) {
    const height = Math.round(element.clientHeight * Math.min(window.devicePixelRatio || 1, FINEST));
    const visible = !document.hidden && height > 0 && !this.#unseen.has(element);
    return { participant_id: participantId, source, height: Math.min(height, HIGHEST), visible };
  }
}
