import { Announcer } from "../announcer.js";
import { markReady, readBoot } from "../boot.js";
import { elapsed, timeOfDay } from "../clock.js";
import { label, setText } from "../elements.js";
import { Call } from "../media/call.js";
import { Capture } from "../media/capture.js";
import { CAUSE_TEXTS } from "../media/cause_texts.js";
import { Focus } from "../media/focus.js";
import { AudioOutput } from "../media/output.js";
import { loadDiagnostics, watchPage } from "../media/page.js";
import { Tiles } from "../media/tiles.js";
import { NETWORK } from "../words.js";
import { RecordingBadge } from "./badge.js";
import { ControlBar } from "./bar.js";
import { roomLeft, size } from "./bytes.js";
import { ChatPanel } from "./chat.js";
import { Deliberation } from "./deliberation.js";
import { exposeHall, withHall } from "./hall_link.js";
import { arrangementOf } from "./layouts.js";
import { markKeyTable } from "./mark_key_table.js";
import { MarkKeys } from "./mark_keys.js";
import { MarksPanel } from "./marks.js";
import { PeoplePanel } from "./people.js";
import { raisedHands } from "./roster.js";
import { Sheets } from "./sheets.js";
import { Shortcuts, TAKEN } from "./shortcuts.js";
import { SESSION_STATES, faultText } from "./states.js";
import { Tabs } from "./tabs.js";
import { Toolbar } from "./toolbar.js";
import { t } from "../translate.js";

const { recorded, mediation } = readBoot().session || {};
const FAREWELLS = {
  closed: [mediation ? t("调解已结束") : t("接访已结束"), recorded === false ? t("本场没有录音录像。") : t("录音录像正在封存，稍后可在信访件里回放。")],
  left: mediation ? [t("您已离开调解室"), t("调解没有结束，可以再次进入。")] : [t("您已离开接访室"), t("接访没有结束，可以再次进入。")],
  replaced: [t("已在另一个页面进入"), t("您在别处打开了同一个房间，这里已经断开。")],
  moved: [t("已换到另一台设备"), ""],
  removed: [mediation ? t("您已被移出调解室") : t("您已被移出接访室"), ""],
  refused: mediation ? [t("现在不能进入调解室"), t("登录可能已过期，或者您没有参加这次调解。")] : [t("现在不能进入接访室"), t("登录可能已过期，或者您没有参加这次接访。")],
};
const CAN_RETURN = new Set(["left", "replaced"]);
const PROBLEM_SHOWN = 8000;

/** Officials sit before a computer on a fixed line; a weak one sends a small picture as a phone does. */
const LARGE = navigator.hardwareConcurrency >= 4 ? { width: { ideal: 1280 }, height: { ideal: 720 } } : {};

/** In the demonstration one of four windows is heard; the others still decode what they get. */
const HARDLY_AUDIBLE = 0.01;

const part = (name) => document.querySelector(`[data-part=${name}]`);
const action = (name) => document.querySelector(`[data-action=${name}]`);

/** The official's reception console. */
class Console {
  #boot = readBoot();
  #announcer = new Announcer();
  #capture = new Capture(this.#boot, LARGE);
  #output = new AudioOutput();
  #call = new Call(this.#boot, this.#capture);
  #tiles = new Tiles(part("stage"), this.#output, this.#capture);
  #people = new PeoplePanel(part, action, this.#call, this.#announcer);
  #toolbar = new Toolbar(part, action, this.#call, this.#announcer);
  #focus = new Focus();
  #received = [];
  #wished = [];
  #sheets = new Sheets(part("console"), action, () => this.#panelOpened());
  #tabs = new Tabs(part("tabs"), (name) => this.#tabChosen(name));
  #chat = new ChatPanel(part, this.#call, this.#announcer, () => document.getElementById("panel-chat").offsetParent !== null);
  #bar = new ControlBar(action, this.#call, this.#capture);
  #badge = new RecordingBadge(part("recording"), () => this.#call.serverNow, (recording, time) => [t(" · 已写入 {0}", size(recording.bytes)), roomLeft(recording, time)].filter(Boolean).join(" · "));
  #markKeys = new MarkKeys(localStorage, TAKEN);
  #marks = new MarksPanel(part, this.#call, this.#announcer, this.#markKeys);
  #deliberation = new Deliberation(part, action("deliberate"), this.#call, this.#announcer);
  #minutes = null;
  #exhibit = null;
  #lostSince = null;
  #problemUntil = 0;
  #objections = 0;

  async start() {
    loadDiagnostics(this.#call, this.#tiles);
    this.#listen();
    watchPage(this.#call);
    this.#call.start();
    setInterval(() => this.#update(), 1000);
    this.#call.watchNetwork((grade) => this.#paintNetwork(grade));
    if (this.#boot.listen === false) this.#output.setVolume(HARDLY_AUDIBLE);
    await this.#openDevices();
  }

  // Internal

  #listen() {
    const call = this.#call;
    call.on("changed", () => this.#update());
    call.on("tracks", (tracks) => this.#tiles.attach(this.#received = tracks));
    call.on("hosting", (hosts) => this.#announcer.alert(hosts ? t("现在由您主持接访") : t("主持已交给别人")));
    this.#tiles.watched = (tiles) => this.#watch(this.#wished = tiles);
    exposeHall(call, this.#capture, () => this.#received, () => this.#watch(this.#wished));
    new Shortcuts(action, { next_layout: () => this.#toolbar.next(), people: () => this.#showTab("people") }, (number) => this.#toolbar.begin(number), () => markKeyTable(this.#markKeys, () => this.#marks.paintKeys()));
    this.#tiles.told = (words) => this.#announcer.say(words, { topic: "document" });
    call.on("ended", (farewell) => this.#ended(farewell));
    call.on("problem", (sentence) => this.#showProblem(sentence));
    this.#capture.on("silenced", () => this.#paintDevices());
    this.#output.on("blocked", () => (action("unblock").hidden = false));
    this.#output.on("unblocked", () => (action("unblock").hidden = true));
    action("unblock").addEventListener("click", () => {
      this.#output.unlock();
      this.#tiles.resume();
    });
    action("retry_devices").addEventListener("click", () => this.#openDevices());
    action("restart_recording").addEventListener("click", () => call.command("start_recording"));
    action("objections").addEventListener("click", () => this.#showTab("minutes"));
    action("return").addEventListener("click", () => this.#return());
    window.addEventListener("online", () => call.wake());
    document.addEventListener("visibilitychange", () => this.#visibilityChanged());
  }

  #tabChosen(name) {
    if (name === "chat") this.#chat.seen();
    part("body").classList.toggle("is-writing", name === "minutes");
    if (name !== "minutes" || this.#minutes) return;
    this.#minutes = import("../minutes/panel.js").then(({ open }) => open(part("minutes"), this.#boot, this.#call, this.#announcer));
    this.#minutes.catch(() => (this.#minutes = null));
  }

  #showTab(name) {
    const tab = document.getElementById(`tab-${name}`);
    this.#sheets.open("panel");
    this.#tabs.choose(tab);
    tab.focus();
  }

  /** What came while it was shut counts as read only now. */
  #panelOpened() {
    if (document.getElementById("panel-chat").offsetParent !== null) this.#chat.seen();
  }

  async #openDevices() {
    try {
      await this.#capture.open();
      part("devices").hidden = true;
    } catch (error) {
      const { title, act } = CAUSE_TEXTS[error.cause] || CAUSE_TEXTS.unsupported;
      setText(part("devices_text"), t("{0}。{1} 您仍然看得到、听得到别人。", title, act));
      part("devices").hidden = false;
    }
  }

  /** A plug was pulled, or another program took the device: what works again clears this by itself. */
  #paintDevices() {
    const { silenced } = this.#capture;
    const what = silenced.has("microphone") ? t("麦克风断开了，别人听不到您。") : t("摄像头断开了，别人看不到您。");
    if (silenced.size > 0) setText(part("devices_text"), t("{0}请检查插头，或关闭占用它的程序，再点「重试」。", what));
    part("devices").hidden = silenced.size === 0;
  }

  #watch(tiles) {
    this.#call.watch(withHall(tiles));
  }

  #update() {
    const { room, session, me } = this.#call;
    setText(part("clock"), timeOfDay(this.#call.serverNow));
    this.#paintConnection();
    if (!room || !session) return;
    const shown = { ...room, participants: this.#deliberation.among(room.participants) };
    const arrangement = arrangementOf(shown, me, this.#toolbar.own, this.#focus, performance.now());
    this.#tiles.update(shown.participants, { self: me, presenter: room.presenter, interrupted: this.#call.media === "interrupted", ...arrangement });
    this.#toolbar.update();
    this.#people.update();
    this.#bar.update();
    this.#sheets.update(room.lobby.length + raisedHands(room.participants).length + this.#chat.unread);
    this.#deliberation.update();
    this.#marks.update();
    this.#paintExhibit(room.exhibit);
    this.#paintHead(room);
    this.#paintObjections(room);
    this.#paintRecording(room);
  }

  /** A page of a material, fetched when the first one is shown. */
  #paintExhibit(exhibit) {
    if (!exhibit || this.#exhibit) return;
    this.#exhibit = import("../materials/exhibit.js").then(({ open }) => open(part("stage"), this.#call, this.#announcer));
    this.#exhibit.catch(() => (this.#exhibit = null));
  }

  /** Also for who has another tab open: the petitioner waits for an answer. */
  #paintObjections({ open_objections: open }) {
    const button = action("objections");
    if (open > this.#objections) this.#announcer.say(t("信访人有 {0} 条意见还没有答复。", open), { topic: "objections" });
    this.#objections = open;
    button.hidden = open === 0;
    label(button, "warning", t("{0} 条意见没有答复", open));
  }

  #paintHead(room) {
    setText(part("state"), SESSION_STATES[room.state] || room.state);
    part("state").dataset.state = room.state;
    const running = room.state === "live" || room.state === "paused";
    const lasted = running && room.opened_at ? elapsed(this.#call.serverNow - Date.parse(room.opened_at)) : "";
    setText(part("elapsed"), lasted);
    if (lasted) setText(part("farewell_elapsed"), lasted);
  }

  #paintRecording(room) {
    const words = this.#badge.update(room.recording, room.opened_at);
    if (words && room.recording.state === "faulty") this.#announcer.alert(words);
    else if (words) this.#announcer.say(words, { topic: "recording" });
    const faulty = room.recording.state === "faulty";
    part("fault").hidden = !faulty;
    if (faulty) setText(part("fault_text"), faultText(room.recording, room.participants));
    action("restart_recording").hidden = !this.#call.may("record");
  }

  #paintNetwork(grade) {
    setText(part("network"), NETWORK[grade]);
    part("network").dataset.grade = grade;
  }

  #paintConnection() {
    const lost = this.#call.media === "interrupted" || ["connecting", "waiting"].includes(this.#call.signaling) && this.#call.me !== null;
    if (lost && this.#lostSince === null) this.#lostSince = Date.now();
    if (!lost && this.#lostSince !== null && Date.now() - this.#lostSince > 2000) this.#announcer.say(t("连接已恢复"));
    if (!lost) this.#lostSince = null;
    const text = lost && Date.now() - this.#lostSince > 500 ? t("连接中断 {0}，正在恢复… 您的位置保留。", elapsed(Date.now() - this.#lostSince).slice(3)) : "";
    setText(part("connection"), text);
    part("connection").hidden = text === "";
    if (Date.now() > this.#problemUntil) part("problem").hidden = true;
  }

  #showProblem(sentence) {
    this.#problemUntil = Date.now() + PROBLEM_SHOWN;
    setText(part("problem"), sentence);
    part("problem").hidden = false;
    this.#announcer.alert(sentence);
  }

  #ended({ reason, message }) {
    const [title, text] = FAREWELLS[reason] || FAREWELLS.left;
    this.#capture.close();
    this.#tiles.clear();
    setText(part("farewell_title"), title);
    setText(part("farewell_text"), message || text);
    action("return").hidden = !CAN_RETURN.has(reason);
    if (part("farewell_after")) part("farewell_after").hidden = reason !== "closed";
    part("console").hidden = true;
    part("farewell").hidden = false;
    part("farewell_title").focus();
  }

  #return() {
    part("console").hidden = false;
    part("farewell").hidden = true;
    this.#output.unlock();
    this.#call.takeBack();
    this.#openDevices();
  }

  #visibilityChanged() {
    if (document.visibilityState !== "visible") return;
    this.#tiles.resume();
    this.#call.wake();
  }
}

markReady();
new Console().start();
