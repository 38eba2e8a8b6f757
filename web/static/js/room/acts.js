import { readBoot } from "../boot.js";
import { isCitizenSide } from "../words.js";
import { ask } from "./dialogs.js";
import { t } from "../translate.js";

const { recorded = true } = readBoot().session || {};

/** What a host does to one person, each asked first where it cannot be taken back. */
export class Acts {
  #call;

  /** @param {import("../media/call.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  admit(id) {
    this.#call.command("admit", { participant_id: id });
  }

  lock(id, source) {
    const person = this.#call.room.participants.find((entry) => entry.participant_id === id);
    if (person) this.#call.command("mute", { participant_id: id, source, muted: !isLocked(person, source) });
  }

  spotlight(id) {
    const { layout, spotlight } = this.#call.room.conduct;
    this.#call.command("arrange", { layout, spotlight: spotlight === id ? "" : id });
  }

  deputy(id) {
    const { deputy } = this.#call.room.conduct;
    this.#call.command("name_deputy", { participant_id: deputy === id ? "" : id });
  }

  async veil({ participant_id: id, veiled }, name) {
    const answer = await ask(veiled
      ? { title: t("解除对 {0} 的屏蔽？", name), text: recorded ? t("对方的画面、原声和名字重新给所有人，并录入录像。时间写入接访记录。") : t("对方的画面、原声和名字重新给所有人。时间写入接访记录。"), yes: t("解除屏蔽") }
      : { title: t("屏蔽 {0}？", name), text: recorded ? t("对方的摄像头由服务器切断，声音在对方设备上变声后才发出，变声之前不传声音；其他群众看到的名字是「已屏蔽」，录像里也一样。时间写入接访记录。") : t("对方的摄像头由服务器切断，声音在对方设备上变声后才发出，变声之前不传声音；其他群众看到的名字是「已屏蔽」。时间写入接访记录。"), yes: t("屏蔽") });
    if (answer) this.#call.command("veil", { participant_id: id, veiled: !veiled });
  }

  async moveToLobby(id, name) {
    const answer = await ask({
      title: t("把 {0} 移至等候室？", name),
      text: t("对方暂时看不到、听不到接访室，号保留，可以再次准入。对方会看到是谁请回的和您写的原因。"),
      yes: t("移至等候室"),
      reason: { label: t("原因（选填）"), required: false, choices: ["先请别的人说", "工作人员要先商量一下", "材料还没有准备好"] },
    });
    if (answer) this.#call.command("move_to_lobby", { participant_id: id, reason: answer.reason });
  }

  async handOver(id, name) {
    const answer = await ask({
      title: t("把主持交给 {0}？", name),
      text: t("准入、静音、暂停和结束接访都由对方操作，您仍在场、可以发言。交接写入接访记录。"),
      yes: t("交给对方主持"),
    });
    if (answer) this.#call.command("hand_over", { participant_id: id });
  }

  async rename({ participant_id: id, name, role }) {
    const needed = isCitizenSide(role);
    const answer = await ask({
      title: t("更改 {0} 显示的名字", name),
      text: needed ? t("原名、新名和原因写入接访记录，信访件里的姓名不变。") : t("原名和新名写入接访记录。"),
      yes: t("更改"),
      text_field: { label: t("新名字"), value: name, maximum: 64 },
      reason: { label: needed ? t("原因") : t("原因（选填）"), required: needed, choices: ["姓名登记有误", "用了昵称", "换了人"] },
    });
    if (answer) this.#call.command("rename", { participant_id: id, name: answer.text, reason: answer.reason });
  }

  async postpone(id, name, to) {
    const answer = await ask({
      title: to === "next" ? t("把 {0} 顺延一位？", name) : t("把 {0} 排到最后？", name),
      text: t("号不变。对方会看到您写的原因。"),
      yes: to === "next" ? t("顺延一位") : t("排到最后"),
      reason: { label: t("原因（选填）"), required: false, choices: ["前一位还没有结束", "材料还没有准备好", "本人要求"] },
    });
    if (answer) this.#call.command("postpone", { participant_id: id, to, reason: answer.reason });
  }

  async refer(id, name, to, words) {
    const answer = await ask({
      title: `${name} ${words}？`,
      text: t("对方离开等候室，会看到改用的方式和您写的原因。请随后按新的方式安排，改用的方式写入接访记录。"),
      yes: words,
      reason: { label: t("给对方的话"), required: true, choices: ["画面和声音一直接不通，工作人员稍后打电话给您", "请带材料到接访场所当面谈", "今天的时间不够，另约时间"] },
    });
    if (answer) this.#call.command("refer", { participant_id: id, to, reason: answer.reason });
  }

  async deny(id, name) {
    const answer = await ask({
      title: t("拒绝 {0} 进入？", name),
      text: t("对方会看到您写的原因和求助电话，不能再用这个链接进入。"),
      yes: t("拒绝"),
      danger: true,
      reason: { label: t("原因"), required: true, choices: ["请先到窗口登记", "今天的接访已经结束", "不是本次接访的参加人"] },
    });
    if (answer) this.#call.command("deny", { participant_id: id, reason: answer.reason });
  }

  async remove(id, name) {
    const answer = await ask({
      title: t("把 {0} 移出接访室？", name),
      text: t("对方的个人链接立即作废，不能自己再进来。移出和原因会写入接访记录。"),
      yes: t("移出"),
      danger: true,
      reason: { label: t("原因"), required: true, choices: ["扰乱接访秩序", "不是本次接访的参加人", "自行录音录像"] },
    });
    if (answer) this.#call.command("remove", { participant_id: id, reason: answer.reason });
  }
}

export function isLocked(person, source) {
  return Boolean(person.sources[source] && person.sources[source].locked);
}
