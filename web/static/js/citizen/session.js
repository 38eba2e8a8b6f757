import { readBoot } from "../boot.js";
import { label, setText } from "../elements.js";
import { Focus, largeIn } from "../media/focus.js";
import { RecordingBadge } from "../room/badge.js";
import { column, NETWORK, NETWORK_EFFECT } from "../words.js";
import { t } from "../translate.js";

/** A mediation is no reception. */
const { mediation } = readBoot().session || {};

/** While the minutes are in one of these states there is something to read or to sign. */
const TO_READ = new Set(["read_back", "signing"]);
const MINUTES = column("minutes", "citizen");
const PROBLEM_SHOWN = 8000;

/** C8: the picture, the badge, four buttons with words. */
export class SessionScreen {
  #part;
  #call;
  #capture;
  #tiles;
  #announcer;
  #focus = new Focus();
  #badge;
  #network = "good";
  #problem = "";
  #buttons;
  #reading = false;
  #exhibit = null;
  #recover;

  /** @param {{part: (name: string) => HTMLElement, action: (name: string) => HTMLElement}} page */
  constructor(page, call, capture, tiles, announcer) {
    this.#part = page.part;
    this.#call = call;
    this.#capture = capture;
    this.#tiles = tiles;
    this.#announcer = announcer;
    tiles.told = (words) => announcer.say(words, { topic: "document" });
    this.#badge = new RecordingBadge(page.part("recording"), () => call.serverNow);
    this.#buttons = ["microphone", "camera", "hand", "show", "help"].map((name) => page.action(name));
    this.#recover = page.action("recover");
    this.#listen();
    capture.on("silenced", () => this.update());
    call.watchNetwork((grade) => this.#showNetwork(grade));
  }

  /** Paint what the call knows. */
  update() {
    const { room, me } = this.#call;
    if (!room) return;
    const main = largeIn(room, me, this.#focus, performance.now());
    this.#tiles.update(room.participants, { self: me, main, presenter: room.presenter, interrupted: this.#call.media === "interrupted", layout: main ? "speaker" : room.conduct.layout });
    this.#paintPhase();
    this.#paintBadge(room);
    this.#paintButtons();
    this.#paintNotice(room);
    this.#paintSheet(room.minutes_state);
    this.#paintExhibit(room.exhibit);
    this.#recover.hidden = this.#capture.silenced.size === 0;
    if (room.minutes_shown !== this.#reading) this.#readAlong(room.minutes_shown);
  }

  // Internal

  #listen() {
    const [microphone, camera, hand, show] = this.#buttons;
    microphone.addEventListener("click", () => this.#toggle("microphone"));
    camera.addEventListener("click", () => this.#toggle("camera"));
    hand.addEventListener("click", () => this.#call.command("raise_hand", { raised: !this.#handRaised() }));
    show.addEventListener("click", () => this.#show());
    this.#call.on("problem", (sentence) => {
      if (this.#call.overloaded) return;
      this.#problem = t(sentence);
      setTimeout(() => (this.#problem = ""), PROBLEM_SHOWN);
    });
  }

  get #showing() { return this.#capture.tracks.has("screen"); }

  /** A material or a paper before the camera; what is before the camera is put away by the same button. */
  #show() {
    const camera = () => import("./showing.js").then((showing) => showing.toggle(this.#call, this.#capture), () => {});
    if (this.#showing) camera();
    else import("../materials/choose.js").then(({ chooseKind }) => chooseKind(this.#call, camera), () => {});
  }

  /** A page of a material, fetched when the first one is shown. */
  #paintExhibit(exhibit) {
    if (!exhibit || this.#exhibit) return;
    this.#exhibit = import("../materials/exhibit.js").then(({ open }) => open(this.#part("stage"), this.#call, this.#announcer));
    this.#exhibit.catch(() => (this.#exhibit = null));
  }

  #readAlong(shown) {
    this.#reading = shown;
    import("../minutes/reader.js").then(({ follow }) => follow(this.#part("stage"), this.#call.client), () => {});
  }

  /** The way to the minutes, over the running call, while they are read back and signed. */
  #paintSheet(state) {
    const place = this.#part("sheet");
    if (!place) return;
    const words = TO_READ.has(state) ? MINUTES[state] : "";
    if (words && place.hidden) this.#announcer.say(t("请{0}", words), { topic: "minutes" });
    place.hidden = !words;
    const link = place.firstElementChild;
    if (link.textContent !== words) dispatchEvent(new Event("minutes"));
    setText(link, words);
    link.onclick = (event) => {
      event.preventDefault();
      import("./sheet.js").then(({ openSheet }) => openSheet(link.href, link.dataset.styles), () => (location.href = link.href));
    };
  }

  #toggle(source) {
    if (source === "camera" && this.#capture.resting) return this.#uncover();
    this.#capture.setEnabled(source, !this.#capture.isEnabled(source));
    this.#paintButtons();
  }

  /** The face comes back: the paper is put away, or a camera is asked for that was not wanted before. */
  #uncover() {
    if (this.#showing) return this.#capture.present(null);
    this.#capture.resting = false;
    return this.#capture.open().catch(() => (this.#capture.resting = true));
  }

  #paintBadge(room) {
    const words = this.#badge.update(room.recording, room.opened_at);
    if (words) this.#announcer.say(words, { topic: "recording" });
  }

  /** What the reception is at, for everybody to read. */
  #paintPhase() {
    const words = this.#phase ? t("现在：{0}", this.#phase) : "";
    const node = this.#part("phase");
    if (words && node.textContent !== words) this.#announcer.say(words, { topic: "phase" });
    setText(node, words);
    node.hidden = words === "";
  }

  get #phase() {
    const { room, session } = this.#call;
    return t(session.phases.find(({ code }) => code === room.conduct.phase)?.title || "");
  }

  #paintButtons() {
    const [microphone, camera, hand, show, help] = this.#buttons;
    const muted = this.#paintDevice(microphone, "microphone", [t("静音"), t("取消静音"), t("已被静音")]);
    const dark = this.#paintDevice(camera, "camera", [t("摄像头"), t("开摄像头"), t("已被关闭")]);
    label(hand, "hand", this.#handRaised() ? t("放下手") : t("举手"));
    label(help, "help", t("求助"));
    label(show, "paper", this.#isLocked("screen") ? t("已被停止") : this.#showing ? t("收起材料") : t("出示材料"));
    show.hidden = !this.#call.may("share");
    show.disabled = this.#isLocked("screen");
    show.setAttribute("aria-pressed", String(this.#showing));
    microphone.setAttribute("aria-pressed", String(muted));
    // Four buttons, never five: who may not speak raises a hand where the microphone's button stood.
    microphone.hidden = this.#isLocked("microphone");
    hand.hidden = !microphone.hidden;
    camera.setAttribute("aria-pressed", String(dark));
    hand.setAttribute("aria-pressed", String(this.#handRaised()));
    help.removeAttribute("aria-pressed");
  }

  /** @param {string[]} words while on, while off, while locked by the host @returns {boolean} whether it is off */
  #paintDevice(button, source, [on, off, locked]) {
    const isLocked = this.#isLocked(source);
    const isOff = isLocked || !this.#capture.isEnabled(source) || !this.#capture.tracks.has(source);
    label(button, isOff ? `${source}-off` : source, isLocked ? locked : isOff ? off : on);
    button.disabled = isLocked;
    return isOff;
  }

  #isLocked(source) {
    const { sources = {} } = this.#call.myself || {};
    return Boolean(sources[source] && sources[source].locked);
  }

  #handRaised() {
    return Boolean(this.#call.myself && this.#call.myself.hand_raised_at);
  }

  #paintNotice(room) {
    const node = this.#part("notice");
    const text = this.#noticeOf(room);
    // A problem was told when it came (room.js).
    if (node.textContent !== text && text && text !== this.#problem) this.#announcer.say(text, this.#lineOf(text));
    setText(node, text);
    node.hidden = text === "";
  }

  /** A line that goes up and down is told once a minute; on the page it stands as it is. */
  #lineOf(text) {
    return text === NETWORK_EFFECT[this.#network] ? { topic: "line", every: 60000 } : {};
  }

  /** One sentence at most; what hinders most comes first. */
  #noticeOf(room) {
    if (this.#call.overloaded) return t("现在人太多，一时接不通。请不要关掉页面，有空位会自动接通。等久了请点「求助」打电话。");
    if (this.#problem) return this.#problem;
    if (this.#capture.silenced.has("microphone")) return t("您的声音断了，可能有电话打进来。请点「恢复声音和画面」。");
    if (this.#capture.silenced.size > 0) return t("您的画面断了，摄像头可能被别的应用占用。请点「恢复声音和画面」。");
    if (room.state === "paused") return mediation ? t("调解暂停，请不要离开，稍后继续。") : t("接访暂停，请不要离开，稍后继续。");
    if (this.#isLocked("microphone") && this.#phase) return t("现在是「{0}」，您的麦克风先关着。想说话请点「举手」。", this.#phase);
    if (this.#call.myself?.veiled) return t("已为您屏蔽：别人看不到您的脸和名字，声音经过处理。");
    if (this.#isLocked("microphone")) return t("主持人已将您静音。想说话请点「举手」。");
    if (this.#isLocked("camera")) return t("主持人已关闭您的摄像头。");
    if (this.#capture.resting && this.#showing) return t("正在出示材料，大家暂时看不到您的脸。收起材料后恢复。");
    if (this.#network !== "good") return NETWORK_EFFECT[this.#network];
    if (!this.#capture.isEnabled("microphone")) return t("您已静音，别人听不到您说话。");
    return room.state === "live" ? "" : mediation ? t("调解员正在准备，调解马上开始。") : t("工作人员正在准备，接访马上开始。");
  }

  #showNetwork(grade) {
    this.#network = grade;
    const node = this.#part("network");
    setText(node, NETWORK[grade]);
    node.dataset.grade = grade;
  }
}
