import { element, icon, setText } from "../elements.js";
import { isCitizenSide, standing } from "../words.js";
import { ask } from "./dialogs.js";
import { AbsenceClock, groupByTier, lobbyWords, networkWords, pageWords, raisedHands, sourceWords } from "./roster.js";

/** Rows that stay when the list is painted again, so that the keyboard focus is never lost. */
class KeyedRows {
  #container;
  #rows = new Map();
  #make;

  constructor(container, make) {
    this.#container = container;
    this.#make = make;
  }

  /** @param {any[]} entries @param {(entry: any) => string} key */
  update(entries, key) {
    const wanted = entries.map((entry) => key(entry));
    for (const [id, row] of this.#rows) {
      if (!wanted.includes(id)) {
        row.root.remove();
        this.#rows.delete(id);
      }
    }
    entries.forEach((entry, place) => {
      const row = this.#row(key(entry), entry);
      row.update(entry);
      if (this.#container.children[place] !== row.root) this.#container.insertBefore(row.root, this.#container.children[place] || null);
    });
  }

  #row(id, entry) {
    if (!this.#rows.has(id)) this.#rows.set(id, this.#make(entry));
    return this.#rows.get(id);
  }
}

/** The right panel: who waits, whose hand is up, who is here by tier. */
export class PeoplePanel {
  #part;
  #call;
  #announcer;
  #lobby;
  #groups;
  #absence = new AbsenceClock();
  #known = null;

  /**
   * @param {(name: string) => HTMLElement} part
   * @param {import("../media/call.js").Call} call
   * @param {import("../announcer.js").Announcer} announcer
   */
  constructor(part, call, announcer) {
    this.#part = part;
    this.#call = call;
    this.#announcer = announcer;
    this.#lobby = new KeyedRows(part("lobby"), (waiting) => this.#lobbyRow(waiting));
    this.#groups = new KeyedRows(part("people"), (group) => this.#group(group));
  }

  update() {
    const { room } = this.#call;
    if (!room) return;
    this.#lobby.update(room.lobby, (waiting) => waiting.participant_id);
    this.#groups.update(groupByTier(room.participants), (group) => group.tier);
    setText(this.#part("lobby_count"), `${room.lobby.length} 人`);
    setText(this.#part("people_count"), `${room.participants.length} 人`);
    this.#part("lobby_empty").hidden = room.lobby.length > 0;
    this.#paintHands(raisedHands(room.participants));
    this.#announceArrivals(room);
  }

  // Internal

  #paintHands(people) {
    const node = this.#part("hands");
    const text = people.length ? `举手：${people.map((person) => person.name).join("、")}` : "";
    if (text && text !== node.textContent) this.#announcer.say(text, { topic: "hands" });
    setText(node, text);
    node.hidden = text === "";
  }

  #announceArrivals(room) {
    const now = new Set(room.lobby.map((waiting) => waiting.participant_id));
    const fresh = room.lobby.filter((waiting) => this.#known && !this.#known.has(waiting.participant_id));
    for (const waiting of fresh) this.#announcer.say(`${waiting.name}进入等候室`, { topic: "lobby" });
    this.#known = now;
  }

  #lobbyRow(waiting) {
    const id = waiting.participant_id;
    const name = element("span.person-name");
    const number = element("span.queue-number");
    const note = element("p.person-note");
    const acts = element("div.person-acts", { hidden: !this.#call.may("admit") },
      button("准入", () => this.#call.command("admit", { participant_id: id }), "button-first", "admit"),
      button("拒绝", () => this.#deny(id, waiting.name), "button-second", "deny"));
    return {
      root: element("li.seat", {}, element("p.seat-head", {}, number, name), note, acts),
      update: (entry) => {
        setText(name, entry.name);
        setText(number, entry.number);
        setText(note, lobbyWords(entry, this.#call.serverNow));
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

  #personRow(person) {
    const id = person.participant_id;
    const me = id === this.#call.me;
    const name = element("span.person-name");
    const hand = element("span.person-hand", {}, icon("hand"), element("span", { text: "举手" }));
    const office = element("span.person-office");
    const note = element("p.person-note");
    const mute = button("", () => this.#lock(id, "microphone"), "button-second", "mute");
    const dark = button("", () => this.#lock(id, "camera"), "button-second", "mute-camera");
    const paper = button("", () => this.#lock(id, "screen"), "button-second", "mute-screen");
    const acts = element("div.person-acts", { hidden: me || !this.#call.may("mute") }, mute, dark, paper,
      isCitizenSide(person.role) ? button("移至等候室", () => this.#call.command("move_to_lobby", { participant_id: id }), "button-second", "move_to_lobby") : null,
      person.role === "host" ? null : button("移出", () => this.#remove(id, person.name), "button-second", "remove"));
    return {
      root: element("li.seat", {}, element("p.seat-head", {}, name, office, hand), note, acts),
      update: (entry) => {
        const absent = this.#absence.words(entry, this.#call.serverNow);
        setText(name, me ? `${entry.name}（我）` : entry.name);
        setText(office, entry.organisation || standing(entry));
        hand.hidden = !entry.hand_raised_at;
        setText(note, absent || [pageWords(entry), networkWords(entry), sourceWords(entry)].filter(Boolean).join(" · "));
        note.classList.toggle("is-bad", absent !== "");
        setText(mute, isLocked(entry, "microphone") ? "解除静音" : "静音并锁定");
        setText(dark, isLocked(entry, "camera") ? "允许摄像头" : "关摄像头");
        setText(paper, isLocked(entry, "screen") ? "允许出示" : "停止出示");
        paper.hidden = this.#call.room.presenter !== id && !isLocked(entry, "screen");
      },
    };
  }

  #lock(id, source) {
    const person = this.#call.room.participants.find((entry) => entry.participant_id === id);
    if (person) this.#call.command("mute", { participant_id: id, source, muted: !isLocked(person, source) });
  }

  async #deny(id, name) {
    const answer = await ask({
      title: `拒绝 ${name} 进入？`,
      text: "对方会看到您写的原因和求助电话，不能再用这个链接进入。",
      yes: "拒绝",
      danger: true,
      reason: { label: "原因", required: true, choices: ["请先到窗口登记", "今天的接访已经结束", "不是本次接访的参加人"] },
    });
    if (answer) this.#call.command("deny", { participant_id: id, reason: answer.reason });
  }

  async #remove(id, name) {
    const answer = await ask({
      title: `把 ${name} 移出接访室？`,
      text: "对方的个人链接立即作废，不能自己再进来。移出和原因会写入接访记录。",
      yes: "移出",
      danger: true,
      reason: { label: "原因", required: true, choices: ["扰乱接访秩序", "不是本次接访的参加人", "自行录音录像"] },
    });
    if (answer) this.#call.command("remove", { participant_id: id, reason: answer.reason });
  }
}

function isLocked(person, source) {
  return Boolean(person.sources[source] && person.sources[source].locked);
}

function button(text, act, kind, command) {
  return element(`button.button.${kind}.is-small`, { type: "button", text, "data-command": command, on: { click: act } });
}
