import { element, icon } from "../elements.js";
import { LevelMeter } from "../media/level.js";
import { t } from "../translate.js";

/** Speech must lift the bar above this once before the machine believes in the microphone. */
const SPEECH = 0.15;
const SILENT_FAULT = 10000;

/**
 * C6, the device check: the machine shows, the person judges; the verdict goes to the officials.
 * The tracks stay open and are handed to the session.
 */
export class DeviceCheck {
  #capture;
  #context = null;
  #meter = null;
  #timer = null;
  #loudest = 0;
  #answers = {};

  constructor(capture) {
    this.#capture = capture;
  }

  /** The sound of this page, running once `unlock` was called. */
  get context() {
    return this.#context;
  }

  /** Call synchronously in a tap: phones start sound only then. */
  unlock() {
    const Context = window.AudioContext || window.webkitAudioContext;
    this.#context = this.#context || new Context();
    this.#context.resume().catch(() => {});
  }

  /** @param {"picture"|"voice"|"sound"} question @param {boolean} yes */
  answer(question, yes) {
    this.#answers[question] = yes;
  }

  reset() {
    this.#answers = {};
    this.#loudest = 0;
  }

  /** @returns {Record<string, boolean|string>} what officials see about this device */
  get result() {
    const { picture = false, voice = false, sound = false } = this.#answers;
    return {
      camera: picture,
      microphone: voice,
      sound,
      microphone_heard: this.#loudest > SPEECH,
      verdict: picture && voice && sound ? "ok" : "trouble",
    };
  }

  /** @param {HTMLElement} holder gets the picture of the person, as in a mirror */
  showPreview(holder) {
    const track = this.#capture.tracks.get("camera");
    const video = element("video", { playsinline: true, autoplay: true, muted: true });
    video.muted = true;
    video.srcObject = track ? new MediaStream([track]) : null;
    holder.classList.toggle("is-mirrored", Boolean(track) && this.#capture.mirrored);
    holder.replaceChildren(track ? video : element("p.hint", { text: t("没有摄像头，只用声音") }));
    if (track) video.play().catch(() => {});
  }

  /**
   * @param {(level: number, silentFault: boolean) => void} show called 15 times a second
   */
  startMeter(show) {
    const track = this.#capture.tracks.get("microphone");
    this.stopMeter();
    if (!track || !this.#context) return;
    this.#meter = new LevelMeter(this.#context, track);
    let heardAt = performance.now();
    this.#timer = setInterval(() => {
      const level = this.#meter.read();
      if (level > 0 || !this.#meter.running || document.hidden) heardAt = performance.now();
      this.#loudest = Math.max(this.#loudest, level);
      show(level, performance.now() - heardAt > SILENT_FAULT);
    }, 66);
  }

  stopMeter() {
    clearInterval(this.#timer);
    if (this.#meter) this.#meter.close();
    this.#meter = null;
  }

  /** Three rising tones, made here: nothing to load, nothing to fail. */
  playSound() {
    if (!this.#context) return;
    [523, 659, 784].forEach((frequency, place) => this.#tone(frequency, this.#context.currentTime + place * 0.45));
  }

  /** @param {HTMLElement} list one line for each answer */
  listVerdicts(list) {
    const lines = [["picture", t("画面")], ["voice", t("麦克风")], ["sound", t("声音")]].map(([question, word]) => {
      const good = Boolean(this.#answers[question]);
      return element(good ? "li.is-good" : "li.is-bad", {}, icon(good ? "dot" : "warning"), element("span", { text: `${word}：${good ? t("正常") : t("有问题")}` }));
    });
    list.replaceChildren(...lines);
  }

  // Internal

  #tone(frequency, at) {
    const oscillator = this.#context.createOscillator();
    const gain = this.#context.createGain();
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.4, at + 0.03);
    gain.gain.linearRampToValueAtTime(0, at + 0.4);
    oscillator.connect(gain).connect(this.#context.destination);
    oscillator.start(at);
    oscillator.stop(at + 0.45);
  }
}
