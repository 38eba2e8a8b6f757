import { element, icon, setText } from "../elements.js";
import { isCitizenSide, standing } from "../words.js";
import { Acts, isLocked } from "./acts.js";
import { AbsenceClock, groupByTier, handWords, lobbyWords, networkWords, pageWords, raisedHands, sourceWords } from "./roster.js";
import { button, KeyedRows, Row } from "./rows.js";
import { t } from "../translate.js";

const MAY_CONDUCT = new Set(["host", "joint_receptionist"]);

/** The right panel: who waits, whose hand is up, who is here by tier. */
export class PeoplePanel {
  #part;
  #call;
  #announcer;
  #acts;
  #lobby;
  #groups;
  #absence = new AbsenceClock();
  #known = null;

  /**
   * @param {(name: string) => HTMLElement} part
   * @param {(name: string) => HTMLElement} action
   * @param {import("../media/call.js").Call} call
   * @param {import("../announcer.js").Announcer} announcer
   */
  constructor(part, action, call, announcer) {
    this.#part = part;
    this.#call = call;
    this.#announcer = announcer;
    this.#acts = new Acts(call);
    this.#lobby = new KeyedRows(part("lobby"), (waiting) => this.#lobbyRow(waiting));
    this.#groups = new KeyedRows(part("people"), (group) => this.#group(group));
    action("lower_hands").addEventListener("click", () => call.command("lower_hands"));
  }

  update() {
    const { room } = this.#call;
    if (!room) return;
    this.#lobby.update(room.lobby, (waiting) => waiting.participant_id);
    this.#groups.update(groupByTier(room.participants), (group) => group.tier);
    setText(this.#part("lobby_count"), room.lobby.length ? t("{0} 人", room.lobby.length) : t("没有人在等候"));
    setText(this.#part("people_count"), t("{0} 人", room.participants.length));
    this.#paintHands(raisedHands(room.participants));
    this.#announceArrivals(room);
  }

  // Internal

  #paintHands(people) {
    const node = this.#part("hands");
    const text = people.length ? t("举手：{0}", people.map(handWords).join("，")) : "";
    const label = node.firstElementChild;
    if (text && text !== label.textContent) this.#announcer.say(text, { topic: "hands" });
    setText(label, text);
    node.lastElementChild.hidden = !this.#call.may("mute");
    node.hidden = text === "";
  }

  #announceArrivals(room) {
    const now = new Set(room.lobby.map((waiting) => waiting.participant_id));
    const fresh = room.lobby.filter((waiting) => this.#known && !this.#known.has(waiting.participant_id));
    for (const waiting of fresh) this.#announcer.say(t("{0}进入等候室", waiting.name));
    this.#known = now;
  }

  #lobbyRow({ participant_id: id, name: first }) {
    const acts = this.#acts;
    const name = element("span.person-name");
    const number = element("span.queue-number");
    const admit = button(t("准入"), () => acts.admit(id), "button-first", "admit");
    const act = (text, run, command) => button(text, () => run(name.textContent || first), "button-second", command);
    const row = new Row([number, name], admit, [
      act(t("顺延一位"), (who) => acts.postpone(id, who, "next"), "postpone"),
      act(t("排到最后"), (who) => acts.postpone(id, who, "last"), "postpone-last"),
      act(t("改用电话"), (who) => acts.refer(id, who, "telephone", t("改用电话")), "refer-telephone"),
      act(t("改到现场"), (who) => acts.refer(id, who, "on_site", t("改到现场")), "refer-on-site"),
      act(t("改到另一天"), (who) => acts.refer(id, who, "another_day", t("改到另一天")), "refer-another-day"),
      act(t("拒绝"), (who) => acts.deny(id, who), "deny"),
    ]);
    return {
      root: row.root,
      update: (entry) => {
        setText(name, entry.name);
        setText(number, entry.number);
        admit.hidden = !this.#call.may("admit");
        const now = this.#call.serverNow;
        row.update(entry.name, lobbyWords(entry, now, this.#absence.words(entry, now)), false, this.#call.may("admit"));
      },
    };
  }

  #group(group) {
    const list = element("ul");
    const rows = new KeyedRows(list, (person) => this.#personRow(person));
    return {
      root: element("li", {}, element("h3.tier-name", { text: group.tier }), list),
      update: ({ people }) => rows.update(people, (person) => person.participant_id),
    };
  }

  #personRow({ participant_id: id, role }) {
    const acts = this.#acts;
    let person = null;
    const name = element("span.person-name");
    const hand = element("span.person-hand", {}, icon("hand"), element("span", { text: t("举手") }));
    const office = element("span.person-office");
    const act = (text, run, command) => button(text, () => run(person.name), "button-second", command);
    const mute = act("", () => acts.lock(id, "microphone"), "mute");
    const more = {
      dark: act("", () => acts.lock(id, "camera"), "mute-camera"),
      paper: act("", () => acts.lock(id, "screen"), "mute-screen"),
      large: act("", () => acts.spotlight(id), "spotlight"),
      deputy: act("", () => acts.deputy(id), "deputy"),
      host: act(t("交给他主持"), (who) => acts.handOver(id, who), "hand_over"),
      rename: act(t("改名"), () => acts.rename(person), "rename"),
      lobby: isCitizenSide(role) ? act(t("移至等候室"), (who) => acts.moveToLobby(id, who), "move_to_lobby") : null,
      veil: isCitizenSide(role) ? act("", (who) => acts.veil(person, who), "veil") : null,
      remove: act(t("移出"), (who) => acts.remove(id, who), "remove"),
    };
    const row = new Row([name, office, hand], mute, Object.values(more));
    return { root: row.root, update: (entry) => this.#paintPerson(person = entry, row, { name, office, hand, mute }, more) };
  }

  #paintPerson(person, row, { name, office, hand, mute }, more) {
    const { participant_id: id, role } = person;
    const { me, room } = this.#call;
    const { conduct } = room;
    const mine = id === me;
    const hosts = this.#call.may("mute");
    const absent = this.#absence.words(person, this.#call.serverNow);
    const part = role === "host" ? t("主持") : conduct.deputy === id ? t("副主持") : "";
    setText(name, mine ? t("{0}（我）", person.name) : person.name);
    setText(office, [person.organisation || standing(person), part].filter(Boolean).join(" · "));
    hand.hidden = !person.hand_raised_at;
    setText(mute, isLocked(person, "microphone") ? t("解除静音") : t("静音并锁定"));
    mute.hidden = mine || !hosts || role === "observer";
    setText(more.dark, isLocked(person, "camera") ? t("允许摄像头") : t("关摄像头"));
    setText(more.paper, isLocked(person, "screen") ? t("允许出示") : t("停止出示"));
    setText(more.large, conduct.spotlight === id ? t("取消大画面") : t("大画面（所有人）"));
    setText(more.deputy, conduct.deputy === id ? t("取消副主持") : t("设为副主持"));
    const colleague = MAY_CONDUCT.has(role) && role !== "host";
    more.dark.hidden = mine || role === "observer";
    more.paper.hidden = room.presenter !== id && !isLocked(person, "screen");
    more.deputy.hidden = more.host.hidden = !colleague;
    more.remove.hidden = role === "host";
    if (more.veil) setText(more.veil, person.veiled ? t("解除屏蔽") : t("屏蔽"));
    if (more.veil) more.veil.hidden = !this.#call.may("veil");
    const words = absent || [person.veiled ? t("已屏蔽（无画面，声音已处理）") : "", pageWords(person), networkWords(person), sourceWords(person)].filter(Boolean).join(" · ");
    row.update(person.name, words, absent !== "", hosts);
  }
}
