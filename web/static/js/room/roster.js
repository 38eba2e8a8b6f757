import { elapsed, inWords, timeOfDay } from "../clock.js";
import { byTier, column, isCitizenSide, ROLES, standing } from "../words.js";
import { t } from "../translate.js";

const LEVELS = column("line");
const PATHS = { tcp: t("经 TCP 连接"), relay: t("经中继连接") };

/** What the people panel says, from the room's state. No DOM, the time is handed in. */

/**
 * Remembers since when somebody is gone, because the room only says that they are.
 */
export class AbsenceClock {
  #since = new Map();

  /**
   * @param {{participant_id: string, presence: string, media: string}} person
   * @param {number} now milliseconds
   * @returns {string} empty while all is well
   */
  words({ participant_id: id, presence, media }, now) {
    const gone = presence !== "connected" || media === "silent";
    if (!gone) {
      this.#since.delete(id);
      return "";
    }
    if (!this.#since.has(id)) this.#since.set(id, now);
    const time = elapsed(now - this.#since.get(id)).slice(3);
    if (presence === "away") return t("已离开 {0}", time);
    return presence === "reconnecting" ? t("掉线 {0} · 位置保留", time) : t("没有画面和声音 {0}", time);
  }
}

/** @returns {string} why there may be no picture although nobody left; empty while the page is seen */
export function pageWords({ hidden, role }) {
  if (!hidden) return "";
  return isCitizenSide(role) ? t("市民切到后台") : t("切到后台");
}

/**
 * What officials read of somebody's network: who, which direction, how much; empty while it is good.
 * @returns {string} 市民上行丢包 12 %
 */
export function networkWords({ quality, role }) {
  if (!quality) return "";
  const who = isCitizenSide(role) ? t("市民") : "";
  const words = [["up", t("上行")], ["down", t("下行")]].filter(([key]) => quality[key] !== "good")
    .map(([key, word]) => `${who}${word}${effectOf(quality[key], quality[`${key}_loss`], quality.round_trip)}`);
  return [...words, PATHS[quality.path] || ""].filter(Boolean).join("，");
}

function effectOf(level, loss, roundTrip) {
  if (level === "gone") return t("中断");
  if (loss !== null && loss >= 3) return t("丢包 {0} %", loss);
  return roundTrip !== null && roundTrip >= 200 ? t("延迟 {0} 毫秒", roundTrip) : LEVELS[level];
}

/** @returns {{tier: string, people: object[]}[]} groups from the province down, the petitioner's side last */
export function groupByTier(participants) {
  const groups = [];
  const guests = participants.some(({ role }) => role === "party") ? t("当事人和受邀的人") : t("信访人一方");
  for (const person of byTier(participants)) {
    const tier = person.tier ? standing(person) : guests;
    const last = groups[groups.length - 1];
    if (last && last.tier === tier) last.people.push(person);
    else groups.push({ tier, people: [person] });
  }
  return groups;
}

/** Names with a raised hand, the longest first. */
export function raisedHands(participants) {
  return participants.filter((person) => person.hand_raised_at)
    .sort((a, b) => a.hand_raised_at.localeCompare(b.hand_raised_at));
}

/** @returns {string} `2 王芳 10:32`, the place in the order and since when */
export function handWords({ name, hand_raised_at: at }, place) {
  return `${place + 1} ${name} ${timeOfDay(Date.parse(at)).slice(0, 5)}`;
}

/** @returns {string} microphone and camera in words */
export function sourceWords(person) {
  if (person.role === "observer") return t("只旁听");
  const word = (source, on, off, locked) => {
    const view = person.sources[source];
    if (!view) return off;
    if (view.locked) return locked;
    return view.enabled ? on : off;
  };
  return `${word("microphone", t("麦克风开"), t("麦克风关"), t("已静音并锁定"))} · ${word("camera", t("摄像头开"), t("摄像头关"), t("摄像头已锁定"))}`;
}

/** @param {string} absent how long somebody has been gone, of an AbsenceClock @returns {string} 候访 12 分钟 · 设备正常 */
export function lobbyWords(waiting, now, absent = "") {
  const since = now - Date.parse(waiting.since);
  return [ROLES[waiting.role] || "", since < 60000 ? t("刚到") : t("已等 {0}", inWords(since)), deviceWords(waiting), awayWords(waiting, now) || absent || presenceWords(waiting) || pageWords(waiting)].filter(Boolean).join(" · ");
}

export function deviceWords({ ready, device }) {
  if (!ready && !device) return t("设备未检");
  if (!device) return t("设备未检");
  const faults = [["camera", t("摄像头")], ["microphone", t("麦克风")], ["sound", t("声音")]].filter(([key]) => device[key] === false);
  const words = faults.length === 0 ? t("设备正常") : t("{0}有问题", faults.map(([, word]) => word).join("、"));
  return ready ? words : t("{0} · 设备重新检查", words);
}

/** @returns {string} how much of the ten minutes is left to somebody who stepped away */
function awayWords({ away_until: until }, now) {
  if (!until) return "";
  const left = Date.parse(until) - now;
  return left > 0 ? t("暂时离开，位置还保留 {0}", inWords(left + 59999)) : t("离开超过 10 分钟，已排到最后");
}

function presenceWords({ presence }) {
  return presence === "connected" ? "" : presence === "away" ? t("已离开") : t("掉线");
}

/** @returns {string} the warning in the dialog before the sitting is opened; empty when the petitioner is there */
export function openingWarning(room) {
  if (room.participants.some((person) => isCitizenSide(person.role))) return "";
  return room.lobby.length > 0 ? t("信访人还在等候室，没有准入。") : t("信访人还没有到。");
}

/**
 * @param {string|null} state of the minutes
 * @returns {string} the warning in the dialog before the sitting is closed; empty when they are final
 */
export function unsignedWarning(state) {
  if (state === "locked") return "";
  if (!state) return t("这场接访还没有笔录。");
  if (state === "drafting") return t("笔录还没有交信访人核对；结束以后仍可用原来的链接核对和签字，但经过不再录像。");
  return t("笔录还没有签完字；结束以后仍可用原来的链接核对和签字，但经过不再录像。");
}
