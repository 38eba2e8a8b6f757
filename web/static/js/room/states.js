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

/** Why nothing is written, as officials read it. */
export const RECORDING_CAUSES = {
  media_lost: "媒体服务中断，正在自动恢复",
  worker_lost: "媒体服务中断，正在自动恢复",
  worker_killed: "媒体服务中断，正在自动恢复",
  disk_full: "磁盘已满",
  disk_read_only: "磁盘不能写入",
  disk_error: "磁盘出错",
  queue_full: "磁盘太慢，来不及写入",
};
