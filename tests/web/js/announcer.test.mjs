import assert from "node:assert/strict";
import test from "node:test";
import { Announcer } from "../../../web/static/js/announcer.js";

globalThis.document = { documentElement: { lang: "zh-CN" } };

/** An announcer over two bare regions, with a clock to turn; `messages` is what was told, in order. */
function announcer() {
  const messages = [], due = [];
  const region = (name) => ({ set textContent(text) { messages.push(`${name}: ${text}`); } });
  const regions = { polite: region("polite"), assertive: region("assertive") };
  const parent = { querySelector: (wanted) => regions[wanted.match(/data-announcer=(\w+)/)[1]] };
  const clock = { now: 0 };
  const one = new Announcer(parent, () => clock.now, (tell) => due.push(tell));
  const pass = (milliseconds) => {
    for (const tell of due.splice(0)) tell();
    clock.now += milliseconds;
  };
  return { one, messages, pass };
}

test("what the parts of a page say of one event is one message", () => {
  const { one, messages, pass } = announcer();
  one.say("录音录像已暂停", { topic: "recording" });
  one.say("接访暂停，请不要离开，稍后继续。", { topic: "notice" });
  assert.deepEqual(messages, []);
  pass(300);
  one.say("录音录像已继续", { topic: "recording" });
  pass(300);
  assert.deepEqual(messages, ["polite: 录音录像已暂停。接访暂停，请不要离开，稍后继续。", "polite: 录音录像已继续"]);
});

test("urgent words take the rest of their event with them, and nothing is told by both regions", () => {
  const { one, messages, pass } = announcer();
  one.say("位置保留着");
  one.alert("轮到您了");
  pass(0);
  assert.deepEqual(messages, ["assertive: 轮到您了。位置保留着"]);
});

test("a sentence within another one is not told again", () => {
  const { one, messages, pass } = announcer();
  one.say("没有发送出去", { topic: "notice" });
  one.alert("没有发送出去");
  one.say("没有发送出去，请再试一次", { topic: "other" });
  pass(0);
  assert.deepEqual(messages, ["assertive: 没有发送出去，请再试一次"]);
});

test("a heading that has just got the focus is read by that; later its words are a message", () => {
  const { one, messages, pass } = announcer();
  const heading = { textContent: "您前面还有 1 位" };
  one.reads(heading);
  one.say("您前面还有 1 位", { topic: "queue" });
  pass(3000);
  assert.deepEqual(messages, []);
  heading.textContent = "下一位就是您";
  one.say("下一位就是您", { topic: "queue" });
  pass(0);
  assert.deepEqual(messages, ["polite: 下一位就是您"]);
});

test("one topic is told at most so often, and never the same words again", () => {
  const { one, messages, pass } = announcer();
  for (const ahead of [3, 2, 2, 2, 2]) {
    one.say(`您前面还有 ${ahead} 位`, { topic: "queue", every: 30000 });
    pass(20000);
  }
  for (const seconds of [1, 9, 9]) {
    one.say("连接已恢复");
    pass(seconds * 1000);
  }
  one.say("已暂停", { topic: "recording" });
  pass(5000);
  one.say("已暂停", { topic: "recording" });
  pass(5000);
  assert.deepEqual(messages, ["polite: 您前面还有 3 位", "polite: 您前面还有 2 位", "polite: 连接已恢复", "polite: 连接已恢复", "polite: 已暂停"]);
});
