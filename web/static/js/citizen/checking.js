import { Announcer } from "../announcer.js";
import { markReady, readBoot } from "../boot.js";
import { setText } from "../elements.js";
import { Capture } from "../media/capture.js";
import { DeviceCheck } from "./check.js";
import { testLine } from "./line.js";
import { VoiceLoop } from "./loop.js";
import { t } from "../translate.js";
import { tell } from "./trouble.js";

const SENTENCE = 4000;
const NEXT = { picture: "voice", voice: "sound", sound: "line" };
const NOT_SENT = t("结果没有送出去");
const LOOK = t("请看看手机有没有网络，再试一次。");

const part = (name) => document.querySelector(`[data-part=${name}]`);
const action = (name) => document.querySelector(`[data-action=${name}]`);

/** C6 on a page of its own: the person judges picture, own voice and sound, the server judges the line. */
class CheckPage {
  #boot = readBoot();
  #base = this.#boot.ticket_url.replace(/\/ticket$/, "/check");
  #announcer = new Announcer();
  #capture = new Capture(this.#boot);
  #check = new DeviceCheck(this.#capture);
  #loop = new VoiceLoop();
  #answers = { picture: "none", voice: "none", sound: "none" };
  #test = "";

  start() {
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      const act = button && this.#actions[button.dataset.action];
      if (act) act();
    });
  }

  // Internal

  #actions = {
    switch_on: () => this.#switchOn(),
    sound_only: () => this.#soundOnly(),
    go_on: () => this.#goOn(),
    picture_yes: () => this.#answer("picture", "good"),
    picture_no: () => this.#answer("picture", "bad"),
    record: () => this.#record(),
    play_back: () => this.#playBack(),
    voice_yes: () => this.#answer("voice", "good"),
    voice_no: () => this.#answer("voice", "bad"),
    play_sound: () => this.#check.playSound(),
    sound_yes: () => this.#answer("sound", "good"),
    sound_no: () => this.#answer("sound", "bad"),
    send: () => this.#send(),
  };

  async #switchOn() {
    this.#check.unlock();
    try {
      await this.#capture.open();
      delete this.#answers.trouble;
      this.#show(this.#capture.tracks.has("camera") ? "picture" : "voice");
    } catch (error) {
      this.#showTrouble(error.cause || "unsupported");
    }
  }

  #soundOnly() {
    this.#capture.resting = true;
    this.#switchOn();
  }

  #goOn() {
    this.#check.unlock();
    this.#show("sound");
  }

  #showTrouble(cause) {
    tell(part, cause, this.#boot.ticket_url);
    this.#answers.trouble = cause;
    this.#show("trouble");
  }

  #answer(item, answer) {
    this.#answers[item] = answer;
    this.#show(NEXT[item]);
  }

  async #record() {
    const track = this.#capture.tracks.get("microphone");
    const button = action("record");
    button.disabled = true;
    setText(button, t("正在录，请说话…"));
    try {
      await this.#loop.record(track, SENTENCE);
      setText(button, t("再录一次"));
      button.classList.remove("is-primary");
      action("play_back").hidden = false;
      action("play_back").classList.add("is-primary");
      action("play_back").focus();
      this.#announcer.say(t("录好了，请点「听一听」"));
    } catch {
      this.#withoutLoop();
    }
    button.disabled = false;
  }

  /** Only who has heard himself can say how it was. */
  #playBack() {
    this.#loop.play().catch(() => this.#withoutLoop());
    action("play_back").classList.remove("is-primary");
    this.#offerAnswers(t("听得清"), t("听不清"));
  }

  #offerAnswers(yes, no) {
    setText(action("voice_yes"), yes);
    setText(action("voice_no"), no);
    action("voice_yes").hidden = false;
  }

  /** A browser that cannot record: the bar says whether the microphone hears. */
  #withoutLoop() {
    part("loop").hidden = true;
    setText(part("voice_question"), t("说一句话，长条会动吗？"));
    this.#offerAnswers(t("会动"), t("不动"));
  }

  #show(screen) {
    this.#check.stopMeter();
    for (const section of document.querySelectorAll("[data-screen]")) section.hidden = section.dataset.screen !== screen;
    const heading = document.querySelector(`[data-screen=${screen}] h1`);
    document.title = t("{0} · 连心桥", heading.textContent);
    window.scrollTo(0, 0);
    heading.focus({ preventScroll: true });
    if (screen === "picture") this.#check.showPreview(part("preview"));
    if (screen === "voice") this.#listen();
    if (screen === "sound") this.#check.playSound();
    if (screen === "line") this.#measure();
  }

  #listen() {
    if (!VoiceLoop.possible) this.#withoutLoop();
    this.#check.startMeter((level, fault) => {
      part("level").style.transform = `scaleX(${level.toFixed(2)})`;
      setText(part("level_word"), fault ? t("设备打开了，但没有声音") : level > 0.15 ? t("听到您的声音了") : t("请说：「您好，听得到吗」"));
    });
  }

  /** The devices are not needed any more: their light goes out before the line is measured. */
  async #measure() {
    this.#loop.close();
    this.#capture.close();
    try {
      this.#test = await testLine(this.#base, this.#check.context, (share) => (part("line_progress").value = share * 100));
    } catch {
      this.#test = ""; // Too busy, or no way to the server at all: the answers are told without it.
    }
    await this.#send();
  }

  async #send() {
    part("line_failed").hidden = true;
    try {
      const { next } = await this.#post();
      location.assign(next);
    } catch {
      setText(part("line_title"), NOT_SENT);
      setText(part("line_word"), LOOK);
      part("line_sent").hidden = true;
      part("line_failed").hidden = false;
      this.#announcer.alert(`${NOT_SENT} ${LOOK}`);
    }
  }

  async #post() {
    const body = JSON.stringify({ ...this.#answers, test: this.#test || undefined });
    const response = await fetch(this.#base, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body });
    if (response.status === 409) return { next: `${this.#base}/result` };
    if (!response.ok) throw new Error(String(response.status));
    return response.json();
  }
}

markReady();
new CheckPage().start();
