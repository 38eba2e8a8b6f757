import { markReady, readBoot } from "../boot.js";
import { setText } from "../elements.js";
import { t } from "../translate.js";

/** Sends a spreadsheet as it is and goes to the report of its rows. */
const form = document.querySelector("[data-part=import]");
const status = form.querySelector("[role=status]");
const boot = readBoot();

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const file = form.elements.file.files[0];
  if (!file) return setText(status, t("请选择一个文件。"));
  if (file.size > boot.largest) return setText(status, t("这个文件太大，最大 {0} MB，请分成几个文件。", Math.floor(boot.largest / 1048576)));
  const button = form.querySelector("button");
  button.disabled = true;
  setText(status, t("正在上传…"));
  try {
    const answer = await fetch("/imports", {
      method: "POST",
      credentials: "same-origin",
      headers: {
        Accept: "application/json",
        "Content-Type": "application/octet-stream",
        "X-CSRF-Token": boot.csrf_token,
        "X-File-Name": encodeURIComponent(file.name),
        "X-Office": form.elements.custodian.value,
      },
      body: file,
    });
    const told = await answer.json();
    if (answer.ok) return location.assign(told.address);
    setText(status, told.error.message);
  } catch {
    setText(status, t("网络断了，请再试一次。"));
  }
  button.disabled = false;
});
markReady();
