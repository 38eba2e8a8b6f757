import assert from "node:assert/strict";
import "./vocabulary.mjs";
import test from "node:test";
import { elapsed, inWords } from "../../../web/static/js/clock.js";
import { causeOf } from "../../../web/static/js/media/causes.js";
import { Focus } from "../../../web/static/js/media/focus.js";
import { FigureReader } from "../../../web/static/js/media/figures.js";
import { grade, Quality, worst } from "../../../web/static/js/media/quality.js";
import { climb } from "../../../web/static/js/media/climb.js";
import { negotiate } from "../../../web/static/js/media/negotiation.js";
import { Attempts } from "../../../web/static/js/media/network.js";
import { Steadiness } from "../../../web/static/js/media/steadiness.js";
import { parseTime, formatTime, Timeline } from "../../../web/static/js/replay/timeline.js";
import { size } from "../../../web/static/js/room/bytes.js";
import { AbsenceClock, deviceWords, groupByTier, openingWarning, raisedHands, sourceWords, networkWords, pageWords } from "../../../web/static/js/room/roster.js";
import { byTier, standing } from "../../../web/static/js/words.js";

const GOOD = { lost: 0, received: 100, roundTrip: 0.02 };
const BAD = { lost: 20, received: 80, roundTrip: 0.02 };
const person = (id, more = {}) => ({ participant_id: id, name: id, role: "department", tier: null, presence: "connected", media: "connected", speaking: false, hand_raised_at: null, sources: {}, ...more });

test("durations in figures and words", () => {
  assert.equal(elapsed(751000), "00:12:31");
  assert.equal(elapsed(-5), "00:00:00");
  assert.equal(inWords(30000), "不到 1 分钟");
  assert.equal(inWords(65 * 60000), "1 小时 5 分钟");
  assert.equal(inWords(120 * 60000), "2 小时");
  assert.equal(size(3_200_000), "3.2 MB");
});

test("device errors become one of five causes", () => {
  assert.equal(causeOf({ name: "NotAllowedError", message: "Permission denied" }), "not_allowed");
  assert.equal(causeOf({ name: "NotAllowedError", message: "Permission denied by system" }), "system_blocked");
  assert.equal(causeOf({ name: "NotReadableError" }), "in_use");
  assert.equal(causeOf({ name: "OverconstrainedError" }), "not_found");
  assert.equal(causeOf({ name: "TypeError" }), "unsupported");
});

test("the network word worsens after three samples and improves after five", () => {
  const quality = new Quality();
  assert.deepEqual([BAD, BAD].map((sample) => quality.add(sample)), [false, false]);
  assert.equal(quality.add(BAD), true);
  assert.equal(quality.shown, "poor");
  for (let place = 0; place < 4; place += 1) assert.equal(quality.add(GOOD), false);
  assert.equal(quality.add(GOOD), true);
  assert.equal(quality.shown, "good");
});

test("one bad sample among good ones changes nothing", () => {
  const quality = new Quality();
  for (const sample of [BAD, GOOD, BAD, BAD, GOOD, BAD, BAD]) quality.add(sample);
  assert.equal(quality.shown, "good");
});

test("grades: loss, delay, nothing at all", () => {
  assert.equal(grade({ lost: 5, received: 95, roundTrip: 0.1 }), "fair");
  assert.equal(grade({ lost: 0, received: 95, roundTrip: 0.5 }), "poor");
  assert.equal(grade({ lost: 0, received: 0, roundTrip: null }), "lost");
});

const PAIR = [{ type: "candidate-pair", nominated: true, state: "succeeded", currentRoundTripTime: 0.04, localCandidateId: "c" }, { id: "c", type: "local-candidate", candidateType: "host", protocol: "udp" }];

test("received: differences, the largest picture, and a fresh start when the counters do", () => {
  const reader = new FigureReader("down");
  const report = (packets, lost) => [
    { type: "inbound-rtp", kind: "audio", packetsReceived: packets, packetsLost: lost, bytesReceived: packets * 100, jitter: 0.012 },
    { type: "inbound-rtp", kind: "video", packetsReceived: 0, frameWidth: 320, frameHeight: 180, framesPerSecond: 15 },
    ...PAIR,
  ];
  assert.equal(reader.read(report(100, 1), 0), null);
  const { row, lost, received, path } = reader.read(report(148, 3), 1000);
  assert.deepEqual(row, [40, 40, 12, 38, 320, 180, 15]);
  assert.deepEqual([lost, received, path], [2, 48, "udp"]);
  assert.equal(reader.read(report(10, 0), 2000), null);
});

test("on a lossy network received media wait longer, until it has been calm for a while", () => {
  const receiver = { jitterBufferTarget: null };
  const steadiness = new Steadiness();
  const adjust = (asked, now, roundTrip = 0.001) => {
    steadiness.adjust({ getReceivers: () => [receiver] }, { asked, received: 100, roundTrip }, now);
    return receiver.jitterBufferTarget;
  };
  assert.equal(adjust(1, 0), null);
  assert.equal(adjust(9, 1000), 350);
  assert.equal(adjust(0, 20_000), 350);
  assert.equal(adjust(9, 20_900, 0.3), 850);
  assert.equal(adjust(9, 21_000, 3), 900);
  assert.equal(adjust(9, 21_000, 0.01), 900);
  assert.equal(adjust(0, 42_000), null);
});

/** A connection as far as descriptions go; what was applied is in `made`. */
function negotiable(sdp) {
  const made = [];
  const connection = {
    signalingState: "stable",
    remoteDescription: { sdp },
    createOffer: async () => ({ type: "offer" }),
    setLocalDescription: async () => { connection.signalingState = "have-local-offer"; },
    setRemoteDescription: async (answer) => {
      assert.equal(connection.signalingState, "have-local-offer");
      Object.assign(connection, { remoteDescription: answer, signalingState: "stable" });
      made.push(answer.sdp);
    },
  };
  return { connection, made };
}

test("to climb, the ceiling of video rises in the last answer, and in nothing else", async () => {
  const head = "v=0\r\ns=-\r\nm=audio 9 X 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n";
  const video = (line) => `m=video 9 X 96\r\nc=IN IP4 0.0.0.0\r\n${line}a=mid:1\r\na=recvonly\r\n`;
  const { connection, made } = negotiable(head + video(""));
  await climb(connection);
  assert.deepEqual(made, [2800, 2801].map((rate) => head + video(`b=AS:${rate}\r\n`)));
  await climb(connection);
  assert.deepEqual(made.slice(2), [head + video("b=AS:2802\r\n")]);
  // An answer of the server has none, and what rises must begin somewhere.
  connection.remoteDescription = { sdp: head + video("") };
  await climb(connection);
  assert.equal(made.length, 5);
  await climb(connection, true);
  await climb(connection, true);
  await climb(connection);
  const last = [5600, 5601, 2800, 2801].map((rate) => head + video(`b=AS:${rate}\r\n`));
  assert.deepEqual(made.slice(5), last);
});

test("what limits us is tried at more and more distant seconds, and a layer let go meanwhile is not the end", () => {
  const attempts = new Attempts();
  const tried = [];
  for (let second = 1; second <= 60; second++) if (attempts.due(second % 7 !== 0, 3e5)) tried.push(second);
  assert.deepEqual(tried, [2, 5, 10, 17, 26, 39, 57]);
  for (let second = 0; second < 3; second++) assert.equal(attempts.due(false, 3e5), "");
  assert.deepEqual([attempts.due(true, 3e5), attempts.due(true, 3e5)], ["", "try"]);
});

test("an estimate that leaps is followed by an attempt at once, the others keep their times", () => {
  const attempts = new Attempts();
  const told = [3e5, 3.2e5, 6e5, 9e5, 9.5e5, 1e6, 4e6].map((estimate) => attempts.due(true, estimate));
  assert.deepEqual(told, ["", "try", "more", "more", "try", "", "more"]);
  // An estimate may be missing, and what leaps while nothing limits us needs no attempt.
  assert.deepEqual([attempts.due(true, 0), attempts.due(true, 3e6), attempts.due(false, 9e6)], ["", "try", ""]);
});

test("an answer meets the offer it is for: climbing waits for an exchange, and leaves one alone that hangs", async () => {
  const { connection, made } = negotiable("m=video 9 X 96\r\na=mid:0\r\n");
  const order = [];
  const exchange = negotiate(connection, async () => {
    await new Promise((resolve) => setTimeout(resolve, 10));
    order.push("exchange");
    throw new Error("no answer");
  });
  const climbing = climb(connection).then(() => order.push("climb"));
  await assert.rejects(exchange);
  await climbing;
  assert.deepEqual([order, made.length], [["exchange", "climb"], 2]);
  connection.signalingState = "have-local-offer";
  await climb(connection);
  assert.equal(made.length, 2);
});

test("sent: what the server says is lost counts against what was sent", () => {
  const reader = new FigureReader("up");
  const report = (packets, lost) => [
    { type: "outbound-rtp", kind: "audio", packetsSent: packets, bytesSent: packets * 100 },
    { type: "remote-inbound-rtp", packetsLost: lost, jitter: 0.02 },
    PAIR[0], { ...PAIR[1], candidateType: "relay" },
  ];
  reader.read(report(100, 0), 0);
  const { row, path } = reader.read(report(200, 12), 1000);
  assert.deepEqual(row, [120, 40, 20, 80, -1, -1, -1]);
  assert.equal(path, "relay");
});

test("nothing is known of a connection without streams", () => {
  const reader = new FigureReader("up");
  reader.read([], 0);
  assert.deepEqual(reader.read([], 1000).row, [-1, -1, -1, 0, -1, -1, -1]);
  assert.equal(worst("good", "poor", "fair"), "poor");
});

test("the big picture follows the speaker, but not at once", () => {
  const focus = new Focus();
  const host = person("host", { role: "host", tier: "district" });
  const city = person("city", { tier: "city" });
  assert.equal(focus.choose([city, host], 0), "host");
  assert.equal(focus.choose([{ ...city, speaking: true }, host], 1000), "host");
  assert.equal(focus.choose([{ ...city, speaking: true }, host], 3000), "city");
  assert.equal(focus.choose([city, host], 9000), "city");
  assert.equal(focus.choose([host], 9001), "host");
  assert.equal(new Focus().choose([], 0), null);
});

test("order by tier, petitioners last; what stands before a name", () => {
  const people = [person("p", { role: "petitioner" }), person("d", { tier: "district" }), person("t", { tier: "township" }), person("v", { tier: "province" })];
  assert.deepEqual(byTier(people).map(({ participant_id: id }) => id), ["v", "d", "t", "p"]);
  assert.equal(standing(people[3]), "省级");
  assert.equal(standing(people[0]), "信访人");
  assert.deepEqual(groupByTier(people).map(({ tier }) => tier), ["省级", "区县", "乡镇街道", "信访人一方"]);
});

test("hands in the order they went up", () => {
  const people = [person("b", { hand_raised_at: "2026-03-02T01:31:00Z" }), person("c"), person("a", { hand_raised_at: "2026-03-02T01:30:00Z" })];
  assert.deepEqual(raisedHands(people).map(({ name }) => name), ["a", "b"]);
});

test("words about devices", () => {
  assert.equal(deviceWords({ ready: false, device: null }), "设备未检");
  assert.equal(deviceWords({ ready: true, device: { camera: true, microphone: true, sound: true } }), "设备正常");
  assert.equal(deviceWords({ ready: true, device: { camera: true, microphone: false, sound: false } }), "麦克风、声音有问题");
  const view = (enabled, locked) => ({ published: true, enabled, locked });
  assert.equal(sourceWords(person("x", { sources: { microphone: view(true, true), camera: view(false, false) } })), "已静音并锁定 · 摄像头关");
});

test("how long somebody is gone", () => {
  const clock = new AbsenceClock();
  assert.equal(clock.words(person("x"), 0), "");
  assert.equal(clock.words(person("x", { presence: "reconnecting" }), 1000), "掉线 00:00 · 位置保留");
  assert.equal(clock.words(person("x", { presence: "reconnecting" }), 43000), "掉线 00:42 · 位置保留");
  assert.equal(clock.words(person("x"), 44000), "");
  assert.equal(clock.words(person("x", { media: "silent" }), 45000), "没有画面和声音 00:00");
});

test("opening without the petitioner is said before it is done", () => {
  assert.equal(openingWarning({ participants: [person("p", { role: "petitioner" })], lobby: [] }), "");
  assert.match(openingWarning({ participants: [], lobby: [{}] }), /没有准入/);
  assert.match(openingWarning({ participants: [], lobby: [] }), /没有到/);
});

test("times in the address of a replay", () => {
  assert.equal(parseTime("1h10m5s"), 4205);
  assert.equal(parseTime("75.5"), 75.5);
  assert.equal(parseTime("yesterday"), null);
  assert.equal(parseTime(""), null);
  assert.equal(formatTime(4205.9), "1h10m5s");
  assert.equal(formatTime(0), "0s");
});

test("events of a replay: the current one, the one before, the next", () => {
  const timeline = new Timeline([0, 10, 20]);
  assert.equal(timeline.at(-1), -1);
  assert.equal(timeline.at(9.9), 0);
  assert.equal(timeline.at(10), 1);
  assert.equal(timeline.beside(10.4, 1), 20);
  assert.equal(timeline.beside(25, 1), null);
  assert.equal(timeline.beside(11, -1), 0);
  assert.equal(timeline.beside(13, -1), 10);
  assert.equal(new Timeline([]).beside(5, -1), null);
});

test("officials read who, which direction and how much; nothing while it is good", () => {
  const fine = { up: "good", down: "good", up_loss: 0, down_loss: 1, round_trip: 30, path: "udp" };
  const words = (changes, role = "petitioner") => networkWords({ role, quality: { ...fine, ...changes } });
  assert.equal(networkWords({ role: "host", quality: null }), "");
  assert.equal(words({}), "");
  assert.equal(words({ up: "poor", up_loss: 12 }), "市民上行丢包 12 %");
  assert.equal(words({ down: "fair", round_trip: 350 }, "host"), "下行延迟 350 毫秒");
  assert.equal(words({ up: "gone", path: "tcp" }), "市民上行中断，经 TCP 连接");
  assert.equal(words({ path: "relay" }), "经中继连接");
  assert.equal(pageWords({ hidden: true, role: "petitioner" }), "市民切到后台");
  assert.equal(pageWords({ hidden: false, role: "petitioner" }), "");
});
