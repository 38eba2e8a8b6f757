import { element, setText } from "../elements.js";
import { standing } from "../words.js";
import { t } from "../translate.js";

/** From so many people on, those beside a document stand in two columns. */
const TWO_COLUMNS = 6;

/** The document everybody looks at, large and before the tiles. Fetched when somebody shows one. */
export class DocumentStage {
  #container;
  #video = element("video", { playsinline: true, autoplay: true, muted: true, "aria-hidden": "true" });
  #note = element("p.document-note", { text: t("您正在共享整个屏幕"), hidden: true });
  #picture;
  #words = element("span.document-words");
  #zoom = element("button.document-act", { type: "button", "data-action": "zoom", "aria-pressed": "false", text: t("放大"), on: { click: () => this.#enlarge() } });
  #root;
  #shown = null;

  /** @param {HTMLElement} container the stage with its tiles */
  constructor(container) {
    this.#container = container;
    this.#video.muted = true; // The attribute alone does not mute an element made by script.
    this.#picture = element("div.document-picture", { tabindex: "0", role: "group", "aria-label": t("出示的材料") }, this.#video, this.#note);
    this.#root = element("figure.document", {}, this.#picture, element("figcaption.document-caption", {}, this.#words, this.#zoom));
  }

  /** @returns {Element|null} where this person's document is shown, for the wishes told to the server */
  pictureOf(participantId) {
    return this.#shown && this.#shown.person.participant_id === participantId ? this.#picture : null;
  }

  /** What is to be read, by eyes or ears. */
  get words() {
    return this.#shown ? this.#words.textContent : t("材料已收起");
  }

  /**
   * @param {{person: import("./tiles.js").Person, mine: boolean, track: MediaStreamTrack}|null} shown
   * @returns {boolean} whether it came or went
   */
  show(shown) {
    const before = this.#shown;
    this.#shown = shown;
    if (shown) this.#paint(shown);
    else if (before) this.#clear();
    return (before && before.person.participant_id) !== (shown && shown.person.participant_id);
  }

  // Internal

  #paint({ person, mine, track }) {
    const office = person.organisation || standing(person);
    setText(this.#words, mine ? t("您正在出示材料，大家都看得到") : t("{0} {1} 正在出示材料", office, person.name));
    this.#zoom.hidden = mine;
    // The whole screen would show itself within itself.
    this.#note.hidden = !mine || track.getSettings().displaySurface !== "monitor";
    this.#video.hidden = !this.#note.hidden;
    const current = this.#video.srcObject && this.#video.srcObject.getVideoTracks()[0];
    if (current !== track) this.#video.srcObject = new MediaStream([track]);
    if (this.#video.paused) this.#video.play().catch(() => {});
    if (this.#root.parentElement !== this.#container) this.#container.prepend(this.#root);
    this.#container.classList.add("has-document");
    const count = Number(this.#container.dataset.count);
    const columns = count >= TWO_COLUMNS ? 2 : 1;
    this.#container.style.setProperty("--beside-columns", String(columns));
    this.#container.style.setProperty("--beside-rows", String(Math.ceil(count / columns)));
  }

  #clear() {
    this.#video.srcObject = null;
    this.#root.remove();
    this.#container.classList.remove("has-document");
    if (this.#root.classList.contains("is-enlarged")) this.#enlarge();
  }

  /** Small print on a phone: twice the size, moved with a finger. */
  #enlarge() {
    const large = this.#root.classList.toggle("is-enlarged");
    this.#zoom.setAttribute("aria-pressed", String(large));
    setText(this.#zoom, large ? t("缩小") : t("放大"));
  }
}
