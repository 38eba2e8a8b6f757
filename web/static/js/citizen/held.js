import { readBoot } from "../boot.js";
import { elapsed } from "../clock.js";
import { setText } from "../elements.js";
import { t } from "../translate.js";

/** A mediation is no reception. */
const { mediation } = readBoot().session || {};

/**
 * While the officials confer in private: how long, and when they are back.
 *
 * @param {(name: string) => HTMLElement} part
 * @param {import("../media/call.js").Call} call
 * @param {import("../announcer.js").Announcer} announcer
 */
export function paint(part, call, announcer) {
  const deliberation = call.room?.deliberation;
  if (!deliberation) return;
  const left = deliberation.returns_at ? Math.max(0, Math.ceil((Date.parse(deliberation.returns_at) - call.serverNow) / 1000)) : null;
  setText(part("held_title"), left === null ? t("工作人员正在内部商议，请不要离开") : mediation ? t("马上回到调解") : t("马上回到接访"));
  setText(part("held_time"), elapsed(call.serverNow - Date.parse(deliberation.since)).replace(/^00:/, ""));
  setText(part("held_back"), left === null ? "" : t("{0} 秒后，大家又能看到您、听到您，录音录像继续。", left));
  part("held_back").hidden = left === null;
  announcer.say(left === null ? t("工作人员正在内部商议，请不要离开") : (mediation ? t("马上回到调解") : t("马上回到接访，录音录像将继续")), { topic: "held" });
}
