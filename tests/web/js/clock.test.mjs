import assert from "node:assert/strict";
import test from "node:test";
import { timeAsSaid, timeOfDay } from "../../../web/static/js/clock.js";

// The zone of a device is its own affair: a session is at Beijing's time.
process.env.TZ = "America/New_York";

test("a moment is told in Beijing's time, wherever the device believes to be", () => {
  assert.equal(timeOfDay(Date.UTC(2026, 10, 24, 2, 1)), "10:01");
  assert.equal(timeOfDay(Date.UTC(2026, 10, 23, 16, 5)), "00:05");
});

test("citizens are told the part of the day and the hour as it is said", () => {
  const said = (hour, minute) => timeAsSaid(Date.UTC(2026, 6, 22, hour - 8, minute));
  assert.deepEqual(
    [said(9, 5), said(12, 30), said(14, 14), said(18, 0)],
    ["上午 9:05", "中午 12:30", "下午 2:14", "晚上 6:00"],
  );
});
