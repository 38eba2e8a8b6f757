import { Announcer } from "../announcer.js";
import { markReady, readBoot } from "../boot.js";
import { inWords, timeAsSaid } from "../clock.js";
import { setText } from "../elements.js";
import { Call } from "../media/call.js";
import { Capture } from "../media/capture.js";
import { AudioOutput } from "../media/output.js";
import { loadDiagnostics, watchPage } from "../media/page.js";
import { Tiles } from "../media/tiles.js";
import { DeviceCheck } from "./check.js";
import { screenOf } from "./journey.js";
import { SessionScreen } from "./session.js";
import { WakeLock } from "./wake.js";
import { t } from "../translate.js";

/** "轮到您了" stays until a picture is there, at most this long. */
const CALLED_AT_MOST = 3000;
/** Where the seat is decides the first screen; a slow network does not keep anybody from the device check. */
const PATIENT_UNTIL = performance.now() + 2000;
/** Of one outage: so long after the network came back, which was told, the connection is. Milliseconds. */
const RETURN_TOLD = 10000;
const NEXT_QUESTION = { picture: "check_voice", voice: "check_sound", sound: "verdict" };
const WAITING = t("您的位置已经保留，轮到时工作人员会叫您。");
/** A mediation is no reception. */
const { mediation } = readBoot().session || {};
const SENT_AWAY = {
  removed: mediation ? t("您已被请出调解") : t("您已被请出接访"),
  refused: t("现在不能进入"),
  referred: mediation ? t("已改用别的方式调解") : t("已改用别的方式接访"),
  moved: t("已换到另一台设备"),
};
const REFUSED = mediation ? t("链接已经失效，或者调解已经结束。") : t("链接已经失效，或者接访已经结束。");
const DEVICE_GOOD = mediation ? t("设备正常，可以调解") : t("设备正常，可以接访");

/** In the demonstration one of four windows is heard; the others still decode what they get. */
const HARDLY_AUDIBLE = 0.01;

const part = (name) => document.querySelector(`[data-part=${name}]`);
const action = (name) => document.querySelector(`[data-action=${name}]`);

/** The citizen's page from the device check to the end: one document, one camera, one seat. */
class CitizenRoom {
  #boot = readBoot();
  #announcer = new Announcer();
  #capture = new Capture(this.#boot);
  #output = new AudioOutput();
  #call = new Call(this.#boot, this.#capture);
  #check = new DeviceCheck(this.#capture);
  #wake = new WakeLock();
  #tiles = new Tiles(part("stage"), this.#output, this.#capture);
  #session = new SessionScreen({ part, action }, this.#call, this.#capture, this.#tiles, this.#announcer);
  #known = { captured: false, step: "switch_on", place: "none", aside: null, away: false, arrived: false, farewell: null };
  #screen = "opening";
  #openedAt = null;
  #lostSince = null;
  #onlineAt = 0;

  start() {
    loadDiagnostics(this.#call, this.#tiles);
    this.#listenToCall();
    this.#listenToPage();
    watchPage(this.#call);
    this.#call.start();
    setInterval(() => this.#tick(), 1000);
    if (this.#boot.listen === false) this.#output.setVolume(HARDLY_AUDIBLE);
    if (this.#boot.automatic) this.#joinAlone();
  }

  // Internal: what happens

  #listenToCall() {
    const call = this.#call;
    call.on("welcome", () => this.#welcomed());
    call.on("changed", () => this.#update());
    call.on("tracks", (tracks) => this.#tiles.attach(tracks));
    // Before the session's screen is shown every picture has no size; it is shown once there is a picture.
    this.#tiles.watched = (tiles) => this.#screen === "session" && call.watch(tiles);
    call.on("admitted", () => this.#called());
    call.on("moved_to_lobby", () => this.#set({ aside: null, arrived: false }));
    call.on("ended", (farewell) => this.#ended(farewell));
    // That there is no room for now stands on the page for as long as it lasts (session.js).
    call.on("problem", (sentence) => call.overloaded || this.#announcer.alert(t(sentence)));
    this.#output.on("blocked", () => (action("unblock").hidden = false));
    this.#output.on("unblocked", () => (action("unblock").hidden = true));
  }

  #listenToPage() {
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]");
      const act = button && this.#actions[button.dataset.action];
      if (act) act();
    });
    document.addEventListener("visibilitychange", () => this.#visibilityChanged());
    window.addEventListener("online", () => {
      this.#onlineAt = Date.now();
      this.#call.wake();
    });
  }

  #actions = {
    switch_on: () => this.#switchOn(),
    sound_only: () => this.#soundOnly(),
    picture_yes: () => this.#answer("picture", true),
    picture_no: () => this.#answer("picture", false),
    voice_yes: () => this.#answer("voice", true),
    voice_no: () => this.#answer("voice", false),
    sound_yes: () => this.#answer("sound", true),
    sound_no: () => this.#answer("sound", false),
    play_sound: () => this.#check.playSound(),
    check_again: () => this.#checkAgain(),
    wait: () => this.#wait(),
    step_away: () => this.#call.command("step_away"),
    come_back: () => this.#comeBack(),
    materials: () => import("../materials/choose.js").then(({ openMaterials }) => openMaterials(this.#boot), () => {}),
    unblock: () => this.#unblock(),
    recover: () => this.#recover(),
    help: () => this.#set({ aside: "help" }),
    leave: () => this.#set({ aside: "leaving" }),
    back: () => this.#set({ aside: null }),
    leave_confirmed: () => this.#leave(),
    return: () => this.#return(),
    take_back: () => this.#return(),
  };

  /** The autoplay rule: everything that needs the tap happens before the first await. */
  async #switchOn() {
    this.#output.unlock();
    this.#check.unlock();
    this.#wake.hold();
    try {
      await this.#capture.open();
      this.#set({ captured: true, step: this.#known.step === "passed" ? "passed" : this.#first });
    } catch (error) {
      this.#showTrouble(error.cause || "unsupported");
    }
  }

  #unblock() {
    this.#output.unlock();
    this.#tiles.resume();
  }

  /** After a telephone call that did not give everything back: what needs a tap comes before the first await. */
  async #recover() {
    this.#unblock();
    await this.#capture.recover().catch(() => this.#announcer.alert(t("还没有恢复，请先挂断电话或关掉别的应用，再点一次。")));
  }

  /** The words are fetched; without them the page's own sentence and the retry button are there. */
  async #showTrouble(cause) {
    await import("./trouble.js").then((trouble) => trouble.tell(part, cause, this.#boot.ticket_url), () => {});
    this.#set({ step: "trouble" });
  }

  #answer(question, yes) {
    this.#check.answer(question, yes);
    if (question !== "sound" || this.#check.result.verdict !== "ok") return this.#set({ step: NEXT_QUESTION[question] });
    // Three times yes is the verdict: one tap less on the way to the waiting room.
    part("device_word").hidden = false;
    this.#announcer.say(DEVICE_GOOD);
    return this.#wait();
  }

  #checkAgain() {
    this.#check.reset();
    this.#set({ step: this.#first });
  }

  /** Who has no camera, or wants none, is not asked about a picture. */
  get #first() { return this.#capture.tracks.has("camera") ? "check_picture" : "check_voice"; }

  #soundOnly() {
    this.#capture.resting = true;
    this.#switchOn();
  }

  async #wait() {
    this.#wake.hold();
    this.#set({ step: "passed" });
    if (this.#call.place === "lobby") await this.#call.command("ready", { device: this.#check.result });
  }

  /** One tap: the seat is told at once; a page that was read anew then opens camera and microphone again. */
  #comeBack() {
    this.#call.command("come_back");
    if (this.#known.captured) this.#wake.hold();
    else this.#switchOn();
  }

  #welcomed() {
    const inside = this.#call.place === "room";
    this.#known.farewell = null;
    // Who is back in the room was called before; out of the waiting room it is the call.
    this.#known.arrived = inside && this.#known.place !== "lobby";
    if (this.#call.place === "lobby" && this.#known.step === "passed" && !this.#known.away) this.#wait();
    if (inside) this.#called();
  }

  #called() {
    if (this.#known.arrived) return;
    this.#announcer.alert(t("轮到您了，正在接通工作人员"));
    this.#check.playSound();
    if (navigator.vibrate) navigator.vibrate([300, 200, 300]);
    this.#arrive();
  }

  /** Where nobody sends a picture there is none to wait for. */
  #arrive() {
    setTimeout(() => this.#set({ arrived: this.#call.place === "room" }), CALLED_AT_MOST);
  }

  async #leave() {
    this.#set({ aside: null });
    await this.#call.leave();
  }

  #return() {
    this.#known.farewell = null;
    this.#output.unlock();
    this.#call.takeBack();
    if (!this.#capture.opened) this.#switchOn();
    this.#update();
  }

  #ended(farewell) {
    this.#known.arrived = false;
    this.#wake.release();
    this.#check.stopMeter();
    this.#tiles.clear();
    this.#capture.close();
    // Minutes that lie over the page stay to be read; there is nothing left to go back to.
    document.querySelector("dialog.sheet > button")?.replaceChildren(t("关闭"));
    setText(part("sent_away_title"), SENT_AWAY[farewell.reason] || t("工作人员没有让您进入"));
    setText(part("sent_away_reason"), farewell.message || (farewell.reason === "refused" ? REFUSED : ""));
    this.#set({ farewell, captured: false });
  }

  #visibilityChanged() {
    if (document.visibilityState !== "visible") return;
    this.#tiles.resume();
    this.#call.wake();
  }

  async #joinAlone() {
    await this.#switchOn();
    for (const question of ["picture", "voice", "sound"]) this.#check.answer(question, true);
    await this.#wait();
  }

  // Internal: what is shown

  #set(changes) {
    Object.assign(this.#known, changes);
    this.#update();
  }

  #update() {
    this.#known.place = this.#call.place;
    this.#known.away = this.#call.place === "lobby" && Boolean(this.#call.queue?.away_until);
    this.#hold(this.#call.room?.deliberation);
    if (Object.keys(this.#tiles.firstFrames).length > 0 && this.#call.place === "room") this.#known.arrived = true;
    if (this.#call.place === "none" && !this.#known.farewell && performance.now() < PATIENT_UNTIL) return;
    this.#show(screenOf(this.#known));
    this.#session.update();
    this.#paintQueue();
    this.#paintConnection();
    if (this.#call.room && this.#call.room.opened_at) this.#openedAt = this.#call.room.opened_at;
  }

  /** The officials confer: a calm page instead of the session, fetched when it happens. */
  #hold(deliberation) {
    this.#known.held = Boolean(deliberation);
    if (deliberation) import("./held.js").then((held) => held.paint(part, this.#call, this.#announcer), () => {});
  }

  #show(screen) {
    if (screen === this.#screen) return;
    this.#screen = screen;
    for (const section of document.querySelectorAll("[data-screen]")) section.hidden = section.dataset.screen !== screen;
    document.body.classList.toggle("in-session", screen === "session");
    const heading = document.querySelector(`[data-screen=${screen}] h1`);
    document.title = t("{0} · 连心桥", heading.textContent);
    window.scrollTo(0, 0);
    heading.focus({ preventScroll: true });
    this.#announcer.reads(heading);
    this.#entered(screen);
  }

  #entered(screen) {
    this.#check.stopMeter();
    if (screen === "check_picture") this.#check.showPreview(part("preview"));
    if (screen === "check_voice") this.#check.startMeter((level, fault) => this.#paintLevel(level, fault));
    if (screen === "check_sound") this.#check.playSound();
    if (screen === "verdict") this.#paintVerdict();
    if (screen === "waiting") this.#check.showPreview(part("waiting_preview"));
    if (screen === "done") setText(part("duration"), this.#openedAt ? inWords(this.#call.serverNow - Date.parse(this.#openedAt)) : "—");
  }

  #paintLevel(level, fault) {
    part("level").style.transform = `scaleX(${level.toFixed(2)})`;
    setText(part("level_word"), fault ? t("设备打开了，但没有声音") : level > 0.15 ? t("听到您的声音了") : t("请说：「您好，听得到吗」"));
  }

  #paintVerdict() {
    const good = this.#check.result.verdict === "ok";
    this.#check.listVerdicts(part("verdict_list"));
    setText(part("verdict_title"), good ? DEVICE_GOOD : t("设备有一处要看一看"));
    setText(part("verdict_act"), good ? "" : t("可以点「重新检查」；弄不好也没关系，先进入等候室，工作人员会帮您。"));
  }

  #paintQueue() {
    const { queue } = this.#call;
    if (!queue) return;
    const ahead = queue.ahead > 0 ? t("您前面还有 {0} 位", queue.ahead) : t("下一位就是您");
    setText(part("queue_ahead"), ahead);
    setText(part("queue_number"), queue.number);
    setText(part("queue_note"), queue.note || WAITING);
    const wait = waitWords(queue.wait);
    part("wait_row").hidden = !wait;
    setText(part("wait"), wait);
    if (wait && this.#screen === "waiting") this.#announcer.say(t("预计还要等{0}", wait), { topic: "wait", every: 60000 });
    if (queue.away_until) this.#paintAway(queue);
    if (this.#screen === "waiting" && queue.note) this.#announcer.say(`${queue.note}${ahead}`, { topic: "note" });
    else if (this.#screen === "waiting") this.#announcer.say(ahead, { topic: "queue", every: 30000 });
  }

  #paintAway(queue) {
    const left = Math.ceil((Date.parse(queue.away_until) - this.#call.serverNow) / 60000);
    setText(part("away_title"), left > 0 ? t("您的位置还保留 {0} 分钟", left) : t("位置已排到最后"));
    setText(part("away_text"), left > 0 ? t("保留到 {0}。回来后请点下面的按钮。", timeAsSaid(Date.parse(queue.away_until))) : t("离开超过 10 分钟，您的号 {0} 没有变。回来后请点下面的按钮，轮到时再叫您。", queue.number));
    if (this.#screen === "away") this.#announcer.say(left > 0 ? t("位置还保留 {0} 分钟", left) : t("位置已排到最后"), { topic: "away", every: 120000 });
  }

  /** Signaling lost: a quiet line. Media lost: the same line says so and how long. */
  #paintConnection() {
    const node = part("connection");
    const media = this.#call.place === "room" && this.#call.media === "interrupted";
    const signaling = ["connecting", "waiting"].includes(this.#call.signaling) && this.#screen !== "opening";
    const lost = (media || signaling) && !this.#known.farewell;
    if (lost && this.#lostSince === null) this.#lostSince = Date.now();
    if (!lost && this.#lostSince !== null) this.#restored();
    node.hidden = !lost || Date.now() - this.#lostSince < 500;
    if (lost) setText(node, t("连接中断，正在恢复…您的位置保留着，请不要关掉页面。"));
  }

  #restored() {
    // That the phone has its network back was told when it came (reading.js).
    if (Date.now() - this.#lostSince > 2000 && Date.now() - this.#onlineAt > RETURN_TOLD) this.#announcer.say(t("连接已恢复"));
    this.#lostSince = null;
  }

  #tick() {
    setText(part("time"), timeAsSaid(this.#call.serverNow));
    this.#update();
  }
}

/** A range, never a promise; calm words when somebody before takes longer than usual. */
function waitWords(wait) {
  if (!wait) return "";
  if (wait.least === null) return t("比平时久一些，请安心等候");
  if (wait.most === null) return t("{0} 小时以上", wait.least / 60);
  return wait.least ? t("约 {0}～{1} 分钟", wait.least, wait.most) : t("{0} 分钟以内", wait.most);
}

markReady();
new CitizenRoom().start();
