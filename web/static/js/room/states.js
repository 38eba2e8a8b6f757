import { column } from "../words.js";
import { t } from "../translate.js";

/** Words that only officials read. */

export const SESSION_STATES = column("session");

const SOURCES = { microphone: t("麦克风"), camera: t("摄像头"), screen: t("出示的材料") };

/**
 * What officials read while the recording is faulty: why, and whose sound or picture does not get to the disk.
 * @param {{cause: string|null, stalled: string[]}} recording
 * @param {{participant_id: string, name: string}[]} participants
 */
export function faultText({ cause, stalled }, participants) {
  const of = (track) => {
    const [id, source] = track.split("-");
    const person = participants.find((each) => each.participant_id === id);
    return t("{0}的{1}", person ? person.name : t("已离开的参加人"), SOURCES[source] || t("画面"));
  };
  const whose = stalled.length ? t("，没有写入：{0}", stalled.map(of).join("、")) : "";
  return t("录制异常：{0}{1}。谈话可以继续；没有录上的部分会作为缺口记入清单。", RECORDING_CAUSES[cause] || t("原因不明"), whose);
}

/** Why nothing is written, as officials read it. */
const RECORDING_CAUSES = column("fault");
