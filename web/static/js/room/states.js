import { column } from "../words.js";

/** Words that only officials read. */

export const SESSION_STATES = column("session");

const SOURCES = { microphone: "麦克风", camera: "摄像头", screen: "出示的材料" };

/**
 * What officials read while the recording is faulty: why, and whose sound or picture does not get to the disk.
 * @param {{cause: string|null, stalled: string[]}} recording
 * @param {{participant_id: string, name: string}[]} participants
 */
export function faultText({ cause, stalled }, participants) {
  const of = (track) => {
    const [id, source] = track.split("-");
    const person = participants.find((each) => each.participant_id === id);
    return `${person ? person.name : "已离开的参加人"}的${SOURCES[source] || "画面"}`;
  };
  const whose = stalled.length ? `，没有写入：${stalled.map(of).join("、")}` : "";
  return `录制异常：${RECORDING_CAUSES[cause] || "原因不明"}${whose}。谈话可以继续；没有录上的部分会作为缺口记入清单。`;
}

/** Why nothing is written, as officials read it. */
const RECORDING_CAUSES = column("fault");
