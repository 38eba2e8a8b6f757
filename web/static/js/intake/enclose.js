import { markReady, readBoot } from "../boot.js";
import { element } from "../elements.js";
import { mount } from "../materials/upload.js";
import { t } from "../translate.js";

/** Files that go with a matter; what arrived is listed at once, and can be taken back when the page comes next. */
const list = document.querySelector("[data-part=files]");

mount(document.querySelector("[data-part=upload]"), readBoot(), (material) => {
  list.hidden = false;
  if (list.querySelector(`[data-file="${material.id}"]`)) return;
  list.append(element("li", { "data-file": material.id, text: t("{0}，共 {1} 页", material.name, material.pages) }));
});
markReady();
