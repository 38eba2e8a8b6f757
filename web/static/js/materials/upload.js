import { Announcer } from "../announcer.js";
import { element, setText } from "../elements.js";
import { t } from "../translate.js";

/**
 * Materials: what was brought, and sending more, in parts that go on where they stopped.
 *
 * @typedef {object} Place
 * @property {string} address of the session's materials
 * @property {string} csrf_token
 * @property {number} largest bytes of a file
 * @property {number} part bytes of a part
 * @property {string} accepted for the file field; a phone then gives its photos as JPEG
 * @property {boolean} [beside] sending files is not what the page is for
 */

const ATTEMPTS = 6;
const PAUSES = [500, 1000, 2000, 4000, 8000];
/** A photo that is too large is drawn anew this large; small print stays legible. */
const LONGER_SIDE = 3000;
const MEBIBYTE = 1024 * 1024;
const NETWORK = t("网络断了。网络好了再点「接着传」，传过的不用重传。");

/** Refused for a moment only; the same file goes on from where it stands. */
const PASSING = new Set(["materials_busy", "upload_incomplete"]);

/** What a refusal says, in words for the person who sent the file; `passing`: trying again may help. */
export class Refusal extends Error {
  constructor(words, passing = false) {
    super(words);
    this.passing = passing;
  }
}

/** The list and the field in `root`. @param {HTMLElement} root @param {Place} place @param {(material: object) => void} [added] */
export function mount(root, place, added = () => {}) {
  const announcer = new Announcer();
  const status = element("p.upload-status");
  const bar = element("progress.upload-bar", { max: "100", value: "0", hidden: true, "aria-label": t("上传进度") });
  const again = element("button.button", { type: "button", text: t("接着传"), hidden: true });
  const input = element("input.upload-input", { type: "file", accept: place.accepted, id: "material-file" });
  const label = element(place.beside ? "label.button" : "label.button.is-primary", { for: "material-file", text: t("选照片或 PDF 文件") });
  root.replaceChildren(element("div.upload-field", {}, input, label), status, bar, again);

  async function send(file) {
    again.hidden = true;
    input.disabled = true;
    label.classList.add("is-busy");
    status.classList.remove("is-bad");
    try {
      const material = await upload(place, file, (words, share) => {
        setText(status, words);
        bar.hidden = share === null;
        if (share !== null) bar.value = String(Math.round(share * 100));
      });
      setText(status, t("已传好：{0}，共 {1} 页。", material.name, material.pages));
      announcer.say(status.textContent);
      added(material);
    } catch (error) {
      setText(status, error instanceof Refusal ? error.message : NETWORK);
      status.classList.add("is-bad");
      announcer.alert(status.textContent);
      again.hidden = error instanceof Refusal && !error.passing;
      again.onclick = () => send(file);
    }
    bar.hidden = true;
    input.disabled = false;
    label.classList.remove("is-busy");
    input.value = "";
  }

  input.addEventListener("change", () => input.files[0] && send(input.files[0]));
}

/**
 * @param {Place} place
 * @param {File} file
 * @param {(words: string, share: number|null) => void} tell
 * @returns {Promise<object>} the material
 * @throws {Refusal} with words; other errors are the network's
 */
export async function upload(place, file, tell) {
  tell(t("正在准备…"), null);
  const { body, note } = await fitting(file, place.largest);
  const content = await body.arrayBuffer();
  const digest = hex(await crypto.subtle.digest("SHA-256", content));
  const about = { digest, size: content.byteLength, name: file.name };
  let { received, material } = await ask(place, "", about);
  let [last, stalls] = [-1, 0];
  while (!material && received < about.size) {
    if (received <= last) stalls += 1;
    if (stalls >= ATTEMPTS) throw new Error("nothing more arrives");
    last = received;
    const words = t("{0}正在上传：已传 {1}，共 {2}", note, megabytes(received), megabytes(about.size));
    tell(words, received / about.size);
    const part = content.slice(received, received + place.part);
    ({ received, material } = await ask(place, `/${digest}/parts?size=${about.size}&offset=${received}`, part));
  }
  tell(t("{0}已经传完，正在打开文件…", note), 1);
  if (!material) ({ material } = await ask(place, "", { ...about, done: true }));
  return material;
}

/** Everything already brought. */
export async function list(address) {
  const answer = await fetch(address, { credentials: "same-origin", headers: { Accept: "application/json" } });
  return (await answer.json()).materials;
}

// Internal

/** The file itself when it is small enough; a photo that is not is made smaller, and that is said. */
async function fitting(file, largest) {
  if (file.size <= largest) return { body: file, note: "" };
  const smaller = file.type.startsWith("image/") ? await scaled(file).catch(() => null) : null;
  if (!smaller || smaller.size > largest) {
    throw new Refusal(t("这个文件有 {0}，最大 {1}。请拍照上传，或者分成几个文件。", megabytes(file.size), megabytes(largest)));
  }
  return { body: smaller, note: t("照片太大，已缩小到 {0}。", megabytes(smaller.size)) };
}

async function scaled(file) {
  const picture = await createImageBitmap(file);
  const share = Math.min(1, LONGER_SIDE / Math.max(picture.width, picture.height));
  const canvas = element("canvas", { width: Math.round(picture.width * share), height: Math.round(picture.height * share) });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
}

/** One request, repeated while the network is away. */
async function ask(place, path, body) {
  const raw = body instanceof ArrayBuffer;
  const options = {
    method: "POST",
    credentials: "same-origin",
    headers: { Accept: "application/json", "X-CSRF-Token": place.csrf_token, "Content-Type": raw ? "application/octet-stream" : "application/json" },
    body: raw ? body : JSON.stringify(body),
  };
  for (let attempt = 0; ; attempt += 1) {
    try {
      const answer = await fetch(place.address + path, options);
      const told = await answer.json();
      if (answer.ok) return told;
      if (told.error.code === "part_out_of_order") return { received: 0, material: null };
      if (answer.status < 500) throw new Refusal(told.error.message, PASSING.has(told.error.code));
    } catch (error) {
      if (error instanceof Refusal || attempt + 1 >= ATTEMPTS) throw error;
    }
    if (attempt + 1 >= ATTEMPTS) throw new Error("the server does not answer");
    await new Promise((resolve) => setTimeout(resolve, PAUSES[attempt]));
  }
}

function hex(buffer) {
  return [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function megabytes(bytes) {
  return bytes < MEBIBYTE ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / MEBIBYTE).toFixed(1)} MB`;
}
