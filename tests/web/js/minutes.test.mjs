import assert from "node:assert/strict";
import { test } from "node:test";

import { compare, follow, merge, splitWords } from "../../../web/static/js/minutes/merge.js";
import { Sheet } from "../../../web/static/js/minutes/sheet.js";

/** Numbers in a row that looks like chance and is the same each time. */
function dice(seed) {
  let state = seed * 2654435761 % 4294967296;
  return (below) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return Math.floor(state / 4294967296 * below);
  };
}

/** What the server does with changes, as scheduling/minutes/editing.py. */
class Server {
  paragraphs = new Map();
  #wordings = new Map();
  #done = new Map();
  pages = [];
  state = "drafting";

  carryOut(change) {
    if (this.#done.has(change.edit_id)) return { ...this.#push(this.paragraphs.get(change.paragraph_id)), edit_id: change.edit_id };
    if (this.state === "locked") throw Object.assign(new Error("笔录已定稿"), { code: "minutes_locked" });
    const one = this.paragraphs.get(change.paragraph_id) || { id: change.paragraph_id, place: this.paragraphs.size + 1, kind: change.kind, speaker_id: null, speaker: "", office: "", said_at: null, revision: 0, removed: false, text: change.text };
    if (change.act === "remove") {
      if (change.base !== one.revision) throw Object.assign(new Error("别人刚刚改过"), { code: "minutes_changed" });
      one.removed = true;
    }
    if (change.act === "edit") {
      one.text = change.base === one.revision ? change.text : merge(this.#wordings.get(`${one.id} ${change.base}`), one.text, change.text);
      one.removed = false;
    }
    one.revision += 1;
    this.paragraphs.set(one.id, one);
    this.#wordings.set(`${one.id} ${one.revision}`, one.text);
    this.#done.set(change.edit_id, true);
    return { ...this.#push(one), edit_id: change.edit_id };
  }

  view() {
    return { version: 1, state: this.state, writable: true, speakers: [], paragraphs: [...this.paragraphs.values()].filter((one) => !one.removed).map((one) => ({ ...one })) };
  }

  #push(one) {
    return { version: 1, act: "edited", by: "", other: "", overlaps: [], paragraph: { ...one } };
  }
}

/** A line that answers when it is told to, loses answers, and can be cut. */
class Line {
  ready = true;
  #server;
  #waiting = [];

  constructor(server) { this.#server = server; }
  async fetch() { return this.#server.view(); }
  send(change) {
    return new Promise((resolve, reject) => this.#waiting.push({ change, resolve, reject }));
  }
  get busy() { return this.#waiting.length > 0; }
  answer(lost = false) {
    const { change, resolve, reject } = this.#waiting.shift();
    try {
      const push = this.#server.carryOut(change);
      if (lost) reject(Object.assign(new Error(""), { code: "timeout" }));
      else resolve(push);
      return push;
    } catch (error) {
      reject(error);
      return null;
    }
  }
}

class Drawer {
  kept = null;
  load() { return this.kept && JSON.parse(this.kept); }
  save(value) { this.kept = value && JSON.stringify(value); }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function settle(pages) {
  for (let round = 0; round < 12; round += 1) {
    for (const page of pages) {
      await page.sheet.refresh();
      await turn();
      while (page.line.busy) {
        page.line.answer();
        await turn();
      }
    }
  }
}

async function seated(server, drawer = new Drawer()) {
  const line = new Line(server);
  const sheet = new Sheet(line, drawer, { later: (act, wait) => setTimeout(act, wait).unref() });
  await sheet.refresh();
  return { line, sheet, drawer };
}

test("two pages on slow lines that lose answers and reload end alike, with every typed word once", async () => {
  for (let seed = 1; seed <= 15; seed += 1) {
    const roll = dice(seed);
    const server = new Server();
    server.carryOut({ edit_id: "first", act: "insert", paragraph_id: "p", kind: "answer", text: "原话" });
    const pages = [await seated(server), await seated(server)];
    const typed = [];
    for (let step = 0; step < 80; step += 1) {
      const side = roll(2);
      let page = pages[side];
      const act = roll(10);
      if (act < 5) {
        const { text } = page.sheet.find("p");
        const word = String.fromCodePoint(0x6000 + side * 0x1000 + typed.length);
        const letters = [...text];
        letters.splice(roll(letters.length + 1), 0, word);
        typed.push(word);
        page.sheet.type("p", letters.join(""));
      } else if (act < 7) {
        page.sheet.refresh();
      } else if (act < 9 && page.line.busy) {
        const push = page.line.answer(roll(4) === 0);
        if (push && roll(2)) pages[1 - side].sheet.hear(push);
      } else if (act === 9) {
        page = pages[side] = await seated(server, page.drawer);
      }
      await turn();
    }
    await settle(pages);
    await settle(pages);
    const [one, two] = pages.map(({ sheet }) => sheet.find("p").text);
    assert.equal(one, two, `seed ${seed}`);
    assert.equal(one, server.paragraphs.get("p").text);
    for (const word of [...typed, "原", "话"]) assert.equal(one.split(word).length, 2, `${word} in ${one}, seed ${seed}`);
    assert.ok(pages.every(({ sheet, drawer }) => !sheet.unsent && drawer.kept === null));
  }
});

test("a paragraph begun without a line is there after a reload and goes out once", async () => {
  const server = new Server();
  const { line, sheet, drawer } = await seated(server);
  line.ready = false;
  const id = sheet.insert(null, "question", { id: "s", name: "王丽华", office: "市局" });
  sheet.type(id, "什么时候开始漏的？");
  await turn();
  assert.equal(sheet.paragraphs.length, 1);
  const again = await seated(server, drawer);
  assert.equal(again.sheet.find(id).text, "什么时候开始漏的？");
  again.line.answer(true);
  await turn();
  await settle([again]);
  assert.deepEqual([...server.paragraphs.values()].map((one) => one.text), ["什么时候开始漏的？"]);
  assert.equal(again.sheet.state, "saved");
});

test("what a locked sheet does not take stays on the page with the reason", async () => {
  const server = new Server();
  server.carryOut({ edit_id: "first", act: "insert", paragraph_id: "p", kind: "answer", text: "原话" });
  const { line, sheet, drawer } = await seated(server);
  server.state = "locked";
  sheet.type("p", "原话改了");
  sheet.refresh();
  await turn();
  line.answer();
  await turn();
  assert.equal(sheet.find("p").text, "原话改了");
  assert.equal(sheet.find("p").trouble, "笔录已定稿");
  assert.equal(sheet.state, "refused");
  assert.match(drawer.kept, /原话改了/);
});

test("a removal that came too late is taken back", async () => {
  const server = new Server();
  server.carryOut({ edit_id: "first", act: "insert", paragraph_id: "p", kind: "answer", text: "原话" });
  const { line, sheet } = await seated(server);
  server.carryOut({ edit_id: "second", act: "edit", paragraph_id: "p", base: 1, text: "原话，又写" });
  sheet.remove("p");
  await turn();
  line.answer();
  await turn();
  await settle([{ sheet, line }]);
  assert.deepEqual(sheet.paragraphs.map((one) => one.text), ["原话，又写"]);
});

test("words, hunks and the caret", () => {
  assert.deepEqual(splitWords("共12户abc。"), ["共", "12", "户", "abc", "。"]);
  assert.deepEqual(compare(["甲"], ["甲", "乙"]), [{ since: 1, until: 1, words: ["乙"] }]);
  assert.equal(follow("楼道漏水", "东楼道漏水", 2), 3);
  assert.equal(follow("楼道漏水", "楼道漏水了", 2), 2);
  assert.equal(follow("楼道漏水", "漏水", 3), 1);
});
