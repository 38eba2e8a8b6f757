import { readBoot } from "../boot.js";
import { label } from "../elements.js";
import { ask } from "./dialogs.js";
import { openingWarning, unsignedWarning } from "./roster.js";
import { Sharing } from "./sharing.js";
import { t } from "../translate.js";

const OPENABLE = new Set(["scheduled", "notified", "checked_in", "waiting", "called"]);
const RUNNING = new Set(["live", "paused"]);
/** What is not recorded is not spoken of as recorded: a mediation. */
const { recorded = true, mediation = false } = readBoot().session || {};
const WORDS = mediation
  ? { open: t("开始调解"), resume: t("继续调解"), close: t("结束调解"), mayOpen: t("开始调解？"), mayPause: t("暂停调解？"), mayClose: t("结束调解？"), mayLeave: t("离开调解室？"), goesOn: t("调解继续进行，您可以再次进入。"), hostLeaves: t("调解不会因此结束，其他人继续，由在场的同事接替主持。您可以再次进入并收回主持；要结束请用「结束调解」。") }
  : { open: t("开始接访"), resume: t("继续接访"), close: t("结束接访"), mayOpen: t("开始接访？"), mayPause: t("暂停接访？"), mayClose: t("结束接访？"), mayLeave: t("离开接访室？"), goesOn: t("接访继续进行，您可以再次进入。"), hostLeaves: t("接访不会因此结束，其他人继续，由副主持或在场的同事接替主持。您可以再次进入并收回主持；要结束接访请用「结束接访」。") };

/** The bottom bar: own devices at the left, the sitting at the right; each act says what it does. */
export class ControlBar {
  #call;
  #capture;
  #buttons;
  #sharing;

  /**
   * @param {(name: string) => HTMLElement} action
   * @param {import("../media/call.js").Call} call
   * @param {import("../media/capture.js").Capture} capture
   */
  constructor(action, call, capture) {
    this.#call = call;
    this.#capture = capture;
    this.#sharing = new Sharing(call, capture);
    const acts = {
      microphone: () => this.#toggle("microphone"),
      camera: () => this.#toggle("camera"),
      hand: () => call.command("raise_hand", { raised: !this.#handRaised() }),
      show: () => this.#sharing.toggle(),
      call_next: () => call.command("call_next"),
      mute_all: () => this.#muteAll(),
      take_back: () => this.#takeBack(),
      open: () => this.#open(),
      pause: () => this.#pauseOrResume(),
      close: () => this.#close(),
      leave: () => this.#leave(),
    };
    this.#buttons = Object.fromEntries(Object.keys(acts).map((name) => [name, action(name)]));
    for (const [name, act] of Object.entries(acts)) this.#buttons[name].addEventListener("click", act);
  }

  update() {
    const { room } = this.#call;
    const state = room ? room.state : "";
    const mayPublish = this.#call.may("publish");
    this.#paintDevice("microphone", t("麦克风"), mayPublish);
    this.#paintDevice("camera", t("摄像头"), mayPublish);
    this.#paintHand();
    this.#paintShow();
    const waiting = room ? room.lobby.length : 0;
    this.#paint("call_next", "bell", t("叫号（{0}）", waiting), this.#call.may("admit") && waiting > 0);
    this.#paint("mute_all", "microphone-off", t("全体静音"), this.#call.may("mute") && Boolean(room) && room.participants.length > 1);
    this.#paint("take_back", "person", t("收回主持"), Boolean(room) && room.conduct.displaced === this.#call.me && !this.#call.may("close"));
    this.#paint("open", "dot", WORDS.open, this.#call.may("open") && OPENABLE.has(state));
    const paused = state === "paused";
    this.#paint("pause", paused ? "play" : "pause", paused ? WORDS.resume : t("暂停"), this.#call.may("pause") && RUNNING.has(state) && !room.deliberation);
    this.#paint("close", "square", WORDS.close, this.#call.may("close") && RUNNING.has(state));
    this.#paint("leave", "leave", t("离开"), true);
  }

  // Internal

  #paint(name, iconName, text, shown, rest = "") {
    label(this.#buttons[name], iconName, text, rest);
    this.#buttons[name].hidden = !shown;
  }

  #paintDevice(source, word, shown) {
    const { sources = {} } = this.#call.myself || {};
    const locked = Boolean(sources[source] && sources[source].locked);
    const on = this.#capture.isEnabled(source) && !locked;
    const name = on ? source : `${source}-off`;
    this.#paint(source, name, locked ? t("{0}已被锁定", word) : word, shown, locked ? "" : on ? t("已开") : t("已关"));
    this.#buttons[source].setAttribute("aria-pressed", String(on));
    this.#buttons[source].disabled = locked;
  }

  #paintHand() {
    this.#paint("hand", "hand", this.#handRaised() ? t("放下手") : t("举手"), this.#call.may("raise_hand"));
    this.#buttons.hand.setAttribute("aria-pressed", String(this.#handRaised()));
  }

  #paintShow() {
    const { screen } = this.#call.myself?.sources || {};
    const locked = Boolean(screen && screen.locked);
    this.#paint("show", "paper", locked ? t("出示已被停止") : this.#sharing.active ? t("停止出示") : t("出示材料"), this.#call.may("share"));
    this.#buttons.show.setAttribute("aria-pressed", String(this.#sharing.active));
    this.#buttons.show.disabled = locked;
  }

  #toggle(source) {
    this.#capture.setEnabled(source, !this.#capture.isEnabled(source));
    this.update();
  }

  #handRaised() {
    return Boolean(this.#call.myself && this.#call.myself.hand_raised_at);
  }

  async #muteAll() {
    const answer = await ask({
      title: t("全体静音？"),
      text: t("除主持人外，所有人的麦克风被锁定，要逐个解除，或者由下一个环节放开。"),
      yes: t("全体静音"),
    });
    if (answer) this.#call.command("mute_all");
  }

  async #takeBack() {
    const acting = this.#call.room.participants.find((person) => person.role === "host");
    const answer = await ask({
      title: t("收回主持？"),
      text: t("{0}正在替您主持。收回后由您准入、静音、暂停和结束接访。", acting ? acting.name : t("同事")),
      yes: t("收回主持"),
    });
    if (answer) this.#call.command("take_back");
  }

  async #open() {
    const { room } = this.#call;
    const answer = await ask({
      title: WORDS.mayOpen,
      text: recorded ? t("在场 {0} 人。开始后全程录音录像，所有人都会看到「正在录音录像」。", room.participants.length)
        : t("在场 {0} 人。本场不录音录像。", room.participants.length),
      warning: openingWarning(room),
      yes: WORDS.open,
    });
    if (answer) this.#call.command("open");
  }

  async #pauseOrResume() {
    if (this.#call.room.state === "paused") {
      this.#call.command("resume");
      return;
    }
    const answer = await ask({
      title: WORDS.mayPause,
      text: !recorded ? t("大家仍然看得见、听得见，当事人会看到「接访暂停，请不要离开」。本场不录音录像。") : t("暂停期间不录音录像，大家仍然看得见、听得见，信访人会看到「接访暂停，请不要离开」。暂停的时间和原因会写入接访记录，在回放里能看到。"),
      yes: t("暂停"),
      reason: { label: t("原因"), required: true, choices: ["内部商议", "信访人需要休息", "设备故障"] },
    });
    if (answer) this.#call.command("pause", { reason: answer.reason });
  }

  async #close() {
    const answer = await ask({
      title: WORDS.mayClose,
      text: !recorded ? t("{0} 人都会离开。结束后不能再继续；还要再谈，请用「暂停」或另约时间。本场没有录音录像。", this.#call.room.participants.length) : t("{0} 人都会离开，录音录像停止并封存到信访件。结束后不能再继续；还要再谈，请用「暂停」或另约时间。", this.#call.room.participants.length),
      warning: this.#closingWarnings(),
      yes: WORDS.close,
      danger: true,
      reason: this.#endsUnsigned() ? { label: t("还没签完字，为什么现在结束"), required: true, choices: ["信访人不愿签字", "信访人已离开", "改日核对签字"] } : null,
    });
    if (answer?.reason) this.#call.command("close_unsigned", { reason: answer.reason });
    else if (answer) this.#call.command("close");
  }

  /** What is signed is recorded as well, so ending before that wants a reason (signaling/handlers/session.py). */
  #endsUnsigned() {
    const { minutes_state: state, recording } = this.#call.room;
    return recording.state !== "off" && Boolean(state) && state !== "locked";
  }

  #closingWarnings() {
    const { room } = this.#call;
    return [
      room.lobby.length ? t("等候室里还有 {0} 人没有接谈。", room.lobby.length) : "",
      room.open_objections ? t("信访人有 {0} 条意见还没有答复。", room.open_objections) : "",
      unsignedWarning(room.minutes_state),
      room.recording.state === "faulty" ? t("录制现在有异常，没有录上的部分会作为缺口记入清单。") : "",
    ];
  }

  async #leave() {
    const host = this.#call.may("close");
    const answer = await ask({
      title: WORDS.mayLeave,
      text: host ? WORDS.hostLeaves : WORDS.goesOn,
      yes: t("离开"),
    });
    if (answer) this.#call.leave();
  }
}
