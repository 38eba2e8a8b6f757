import assert from "node:assert/strict";
import "./vocabulary.mjs";
import test from "node:test";
import { faultText } from "../../../web/static/js/room/states.js";

const people = [{ participant_id: "p_1", name: "王某" }];

test("a fault of the recording names its cause and whose sound or picture is not written", () => {
  const words = faultText({ cause: "disk_slow", stalled: ["p_1-camera", "p_9-microphone"] }, people);
  assert.match(words, /^录制异常：磁盘没有及时响应，没有写入：王某的摄像头、已离开的参加人的麦克风。/);
  assert.match(words, /缺口/);
});

test("a fault of all, and one nobody knows, are said in words too", () => {
  assert.match(faultText({ cause: "disk_full", stalled: [] }, people), /^录制异常：磁盘已满。/);
  assert.match(faultText({ cause: "x", stalled: [] }, people), /^录制异常：原因不明。/);
});
