/** Words that only officials read. */

export const SESSION_STATES = {
  scheduled: "已预约",
  notified: "已通知",
  checked_in: "已签到",
  waiting: "候访中",
  called: "已叫号",
  live: "接访中",
  paused: "已暂停",
  minutes_confirming: "核对笔录",
  signed: "已签字",
  closed: "已结束",
  archived: "已归档",
  cancelled: "已取消",
  technical_failed: "技术故障",
};

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
const RECORDING_CAUSES = {
  media_lost: "媒体服务中断，正在自动恢复",
  worker_lost: "媒体服务中断，正在自动恢复",
  worker_killed: "媒体服务中断，正在自动恢复",
  disk_full: "磁盘已满",
  disk_read_only: "磁盘不能写入",
  disk_error: "磁盘出错",
  queue_full: "磁盘太慢，来不及写入",
  disk_slow: "磁盘没有响应",
  recorder_failed: "录制程序出错",
  track_refused: "录制程序不接受其中一路",
  sink_failed: "录制程序中断了其中一路",
};
