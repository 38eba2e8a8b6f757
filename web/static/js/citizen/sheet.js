import { announceIn, Announcer } from "../announcer.js";
import { readBoot } from "../boot.js";
import { prepareAll } from "../signature_pad.js";
import { t } from "../translate.js";

/** A mediation is no reception. */
const { mediation } = readBoot().session || {};

/**
 * Shows a page of ours over the running call, so that sound and picture go on behind it. Links and forms of the
 * page stay inside the sheet.
 *
 * @param {string} url of a page of this link
 * @param {string} styles href of the page's own style sheet
 */
export async function openSheet(url, styles) {
  if (document.querySelector("dialog.sheet")) return;
  if (styles && !document.querySelector(`link[href="${styles}"]`)) document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: styles }));
  const sheet = document.createElement("dialog");
  sheet.className = "sheet";
  const close = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: mediation ? t("回到调解") : t("回到接访") });
  const body = document.createElement("div");
  const announcer = new Announcer();
  sheet.append(close, body);
  document.body.append(sheet);
  close.addEventListener("click", () => sheet.close());
  sheet.addEventListener("close", () => {
    sheet.remove();
    removeEventListener("minutes", renew);
  });

  async function load(address, options) {
    try {
      const answer = await fetch(address, { credentials: "same-origin", ...options });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      body.replaceChildren(...page.querySelector("main").childNodes);
      prepareAll(body);
      sheet.scrollTop = 0;
      (body.querySelector("[autofocus]") || body.querySelector("h1"))?.focus();
    } catch {
      tell(t("没有发送出去，网络好了请再点一次。写的字还在。"));
    }
  }

  /** One line above the page. */
  function tell(words) {
    body.querySelector(":scope > .is-told")?.remove();
    body.prepend(Object.assign(document.createElement("p"), { className: "banner is-told", textContent: words }));
    announcer.alert(words);
  }

  /** The minutes have got another state: the page follows by itself, unless something is being written on it. */
  function renew() {
    const writing = [...body.querySelectorAll("textarea")].some((field) => field.value.trim());
    if (writing) tell(t("工作人员更新了笔录。写完请点「提出意见」，这里会跟着更新。"));
    else load(url);
  }
  addEventListener("minutes", renew);

  body.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='/']");
    if (!link || link.href.endsWith(".pdf")) return;
    event.preventDefault();
    load(link.href);
  });
  body.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(event.target);
    if (event.submitter?.name) data.set(event.submitter.name, event.submitter.value);
    load(event.target.action || url, { method: "POST", body: new URLSearchParams(data) });
  });
  announceIn(sheet);
  sheet.showModal();
  await load(url);
}
