import { announceIn } from "../announcer.js";
import { readBoot } from "../boot.js";
import { element } from "../elements.js";
import { mount } from "./upload.js";
import { t } from "../translate.js";

/** Where the session's materials are, from the address of the ticket beside them. */
export function addressOf(boot) {
  return boot.ticket_url.replace(/ticket$/, "materials");
}

/**
 * Everything one may see, and sending more. With `call` each can be shown to the whole room.
 *
 * @param {import("../boot.js").Boot} boot
 * @param {import("../media/call.js").Call|null} [call]
 */
export async function openMaterials(boot, call = null) {
  if (document.querySelector("dialog.materials-dialog[open]")) return;
  const field = element("div");
  const items = element("ul.materials");
  const note = element("p.hint", { text: t("正在打开…") });
  const close = element("button.button.button-second", { type: "button", text: call ? t("关闭") : t("返回等候室") });
  const dialog = element("dialog.dialog.materials-dialog", { "aria-labelledby": "materials-title" },
    element("h2", { id: "materials-title", tabindex: "-1", text: call ? t("出示哪份材料？") : t("我的材料") }),
    element("p.materials-lead", { text: call ? t("点「出示」后，所有人看到同一页。") : t("拍一张照片，或者选一个 PDF。工作人员会看到您传的材料。") }),
    field, note, items, close);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  announceIn(dialog);
  dialog.showModal();

  const show = async (item) => {
    if (await call.command("material.show", { material_id: item.id, page: 1 })) dialog.close();
    else note.textContent = t("没有出示成功。请看页面上的提示。");
  };
  const paint = ({ materials }) => {
    note.textContent = materials.length ? "" : t("还没有材料。");
    note.hidden = materials.length > 0;
    items.replaceChildren(...materials.map((item) => element("li.material", { "data-material": item.id },
      element("span.material-picture", {}, element("img", { src: `${item.picture}1`, alt: "", loading: "lazy" })),
      element("div.material-text", {},
        element("p.material-name", { text: item.name }),
        element("p.material-note", { text: [item.kind, t("共 {0} 页", item.pages), item.size, item.brought_by].filter(Boolean).join(" · ") }),
        call ? element("button.button.material-show", { type: "button", text: t("出示"), "aria-label": t("出示：{0}", item.name), on: { click: () => show(item) } }) : null))));
  };
  const load = async () => {
    const answer = await fetch(addressOf(boot), { credentials: "same-origin", headers: { Accept: "application/json" } });
    const listed = await answer.json();
    if (!answer.ok) throw new Error(listed.error.message);
    paint(listed);
    return listed;
  };
  try {
    const { place } = await load();
    if (place) mount(field, place, () => load().catch(() => {}));
  } catch {
    note.textContent = t("没有打开。网络好了请关闭后再点一次。");
  }
}

/**
 * 出示材料 of a guest: a material, or what lies before the camera.
 *
 * @param {import("../media/call.js").Call} call
 * @param {() => void} camera shows what is before the second camera
 */
export function chooseKind(call, camera) {
  const dialog = element("dialog.dialog.materials-dialog", { "aria-labelledby": "kind-title" });
  const option = (text, kind, act) => element(`button.button${kind}`, { type: "button", text, on: { click: () => {
    dialog.close();
    if (act) act();
  } } });
  dialog.append(element("h2", { id: "kind-title", text: t("出示什么？") }), element("div.dialog-options", {},
    option(t("照片或 PDF 文件"), ".is-primary", () => openMaterials(readBoot(), call)),
    option(t("把纸放到镜头前"), "", camera),
    option(t("取消"), ".is-quiet", null)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  announceIn(dialog);
  dialog.showModal();
}

/** @returns {Promise<string>} in words, whether the drawn page is kept */
export async function keepCopy(address, id) {
  try {
    const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": readBoot().csrf_token };
    const answer = await fetch(`${address}/${id}/copies`, { method: "POST", credentials: "same-origin", headers, body: "{}" });
    const told = await answer.json();
    return answer.ok ? t("批注已保存为新材料：{0}", told.material.name) : told.error.message;
  } catch {
    return t("没有保存。网络好了请再点一次。");
  }
}
