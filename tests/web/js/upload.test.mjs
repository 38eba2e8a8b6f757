import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { Refusal, upload } from "../../../web/static/js/materials/upload.js";

const PART = 1000;
const PLACE = { address: "/j/abc/materials", csrf_token: "token", largest: 10_000, part: PART, accepted: "image/jpeg" };
const real = { fetch: globalThis.fetch, setTimeout: globalThis.setTimeout };
const answer = (status, body) => ({ ok: status < 300, status, json: async () => body });
const refuse = (status, code, message) => answer(status, { error: { code, message } });

/** What scheduling/materials/uploading.py does, as far as a browser can tell. */
class Server {
  parts = new Map();
  materials = new Map();
  requests = [];
  /** @type {(request: object, number: number) => object|undefined} an answer in place of the usual one; may throw */
  instead = () => undefined;

  async fetch(path, options) {
    const request = { path, ...options };
    this.requests.push(request);
    const special = this.instead(request, this.requests.length);
    if (special) return special;
    assert.equal(options.headers["X-CSRF-Token"], "token");
    const rest = path.slice(PLACE.address.length);
    return rest ? this.#part(new URL(`http://x${rest}`), options.body) : this.#about(JSON.parse(options.body));
  }

  /** How many bytes were sent over the line. */
  get sent() {
    return this.requests.reduce((sum, { body }) => sum + (body.byteLength || 0), 0);
  }

  #part(url, body) {
    const digest = url.pathname.split("/")[1];
    const here = this.parts.get(digest) || Buffer.alloc(0);
    const offset = Number(url.searchParams.get("offset"));
    if (offset + body.byteLength <= here.length) return answer(200, { received: here.length, material: null });
    if (offset !== here.length) return refuse(409, "part_out_of_order", "前面的部分还没有收到，请重试。");
    this.parts.set(digest, Buffer.concat([here, Buffer.from(body)]));
    return answer(200, { received: here.length + body.byteLength, material: null });
  }

  #about({ digest, size, name, done }) {
    const known = this.materials.get(digest);
    if (known) return answer(200, { received: size, material: known });
    const here = this.parts.get(digest) || Buffer.alloc(0);
    if (!done) return answer(200, { received: here.length, material: null });
    if (here.length < size) return refuse(409, "upload_incomplete", "文件还没有传完，请重试。");
    if (createHash("sha256").update(here).digest("hex") !== digest) return refuse(422, "digest_wrong", "传到一半的内容和原来的文件不一样，请重新选择文件上传。");
    const material = { id: digest.slice(0, 8), name, pages: 1 };
    this.materials.set(digest, material);
    return answer(200, { received: size, material });
  }
}

let server;
let told;
const tell = (words, share) => told.push([words, share]);
const file = (size, type = "image/jpeg") => new File([Buffer.alloc(size, "x")], "漏水.jpg", { type });
const down = () => {
  throw new TypeError("fetch failed");
};

beforeEach(() => {
  server = new Server();
  told = [];
  globalThis.fetch = (path, options) => server.fetch(path, options);
  globalThis.setTimeout = (run) => real.setTimeout(run, 0);
});
afterEach(() => Object.assign(globalThis, real));

test("a file goes in parts, says how far it is, and becomes a material", async () => {
  const material = await upload(PLACE, file(2500), tell);
  assert.deepEqual([material.name, server.sent], ["漏水.jpg", 2500]);
  assert.deepEqual(told.map(([, share]) => share), [null, 0, 0.4, 0.8, 1]);
  assert.match(told.at(-1)[0], /已经传完，正在打开文件/);
});

test("interrupted at 99 %, it goes on where it stopped and sends nothing twice", async () => {
  const size = 4 * PART - 10;
  server.instead = ({ path }) => (path.endsWith(`offset=${3 * PART}`) ? down() : undefined);
  await assert.rejects(upload(PLACE, file(size), tell), (error) => !(error instanceof Refusal));
  server.instead = () => undefined;
  const before = server.sent - 6 * (PART - 10); // Six tries of the last part did not arrive.
  assert.equal(before, 3 * PART);
  server.requests = [];
  assert.equal((await upload(PLACE, file(size), tell)).pages, 1);
  assert.equal(server.sent, PART - 10);
});

test("a network that is away for a moment is not even told", async () => {
  server.instead = (_, number) => (number === 2 || number === 3 ? down() : number === 5 ? answer(503, {}) : undefined);
  assert.ok(await upload(PLACE, file(2500), tell));
  assert.equal(server.parts.values().next().value.length, 2500);
});

test("the same file again is the same material, and no byte is sent", async () => {
  const first = await upload(PLACE, file(1500), tell);
  server.requests = [];
  assert.equal(await upload(PLACE, file(1500), tell), first);
  assert.deepEqual([server.sent, server.requests.length], [0, 1]);
});

test("a part whose answer was lost is not kept twice", async () => {
  server.instead = (request, number) => {
    if (number !== 2) return undefined;
    server.instead = () => undefined;
    server.fetch(request.path, request); // It arrived; only the answer did not.
    return down();
  };
  await upload(PLACE, file(2500), tell);
  assert.equal(server.parts.values().next().value.length, 2500);
});

test("parts that the server has let go of are sent again from the beginning", async () => {
  server.instead = ({ path }) => {
    if (!path.endsWith(`offset=${8 * PART}`)) return undefined;
    server.instead = () => undefined;
    server.parts.clear();
    return undefined;
  };
  assert.ok(await upload(PLACE, file(9 * PART), tell));
  assert.equal(server.parts.values().next().value.length, 9 * PART);
});

test("a server that takes parts and keeps none is given up, not asked for ever", async () => {
  server.instead = ({ path }) => (path.includes("/parts") ? answer(200, { received: 0, material: null }) : undefined);
  await assert.rejects(upload(PLACE, file(2500), tell), /nothing more arrives/);
  assert.ok(server.requests.length <= 8);
});

test("what is not what it says is refused in the server's words, once", async () => {
  const words = "这个文件打不开，请重新拍照上传。";
  server.instead = ({ body }) => (typeof body === "string" && JSON.parse(body).done ? refuse(422, "material_broken", words) : undefined);
  await assert.rejects(upload(PLACE, file(500, "application/pdf"), tell), (error) => error instanceof Refusal && error.message === words && !error.passing);
  assert.equal(server.requests.filter(({ body }) => typeof body === "string" && JSON.parse(body).done).length, 1);
});

test("a desk that is busy is no verdict: the same file may go on", async () => {
  server.instead = ({ body }) => (typeof body === "string" && JSON.parse(body).done ? refuse(409, "materials_busy", "正在打开别的文件") : undefined);
  await assert.rejects(upload(PLACE, file(500), tell), (error) => error instanceof Refusal && error.passing);
  server.instead = () => undefined;
  server.requests = [];
  assert.ok(await upload(PLACE, file(500), tell));
  assert.equal(server.sent, 0);
});

test("what is too large is refused with its size before anything is sent", async () => {
  const large = (error) => error instanceof Refusal && /这个文件有 12 KB，最大 10 KB。请拍照上传/.test(error.message);
  await assert.rejects(upload(PLACE, file(12_000, "application/pdf"), tell), large);
  await assert.rejects(upload(PLACE, file(12_000), tell), large); // A photo that cannot be drawn smaller either.
  assert.equal(server.requests.length, 0);
});
