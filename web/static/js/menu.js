/** Menus that are no dialogues: closed by Escape, by a press outside, and when the focus goes elsewhere. */

const menus = () => /** @type {HTMLDetailsElement[]} */ ([...document.querySelectorAll("details[data-menu][open]")]);

/** @param {Event} event */
function closeUnless({ target }) {
  for (const menu of menus()) {
    if (!(target instanceof Node && menu.contains(target))) menu.open = false;
  }
}

document.addEventListener("pointerdown", closeUnless);
document.addEventListener("focusin", closeUnless);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    const within = menu.contains(document.activeElement);
    menu.open = false;
    if (within) menu.querySelector("summary")?.focus();
  }
});
