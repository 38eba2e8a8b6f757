import assert from "node:assert/strict";
import test from "node:test";
import { Moments, spokenTime } from "../../../web/static/js/replay/lanes.js";

test("what is so at a moment stands in words, each once", () => {
  const moments = new Moments([[0, 5, "发言"], [3, 9, "网络较差：上行丢包 12 %"], [4, 5, "发言"]]);
  assert.equal(moments.at(0), "发言");
  assert.equal(moments.at(4.5), "发言，网络较差：上行丢包 12 %");
  assert.equal(moments.at(5), "网络较差：上行丢包 12 %");
  assert.equal(moments.at(9), "");
  assert.equal(new Moments([]).at(1), "");
});

test("a time is read aloud without the parts that are zero", () => {
  assert.equal(spokenTime(0), "0 秒");
  assert.equal(spokenTime(61.4), "1 分 1 秒");
  assert.equal(spokenTime(3600), "1 小时");
});
