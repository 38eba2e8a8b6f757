/**
 * What the server handed to the page in `<script type="application/json" id="boot">`.
 *
 * @typedef {object} Boot
 * @property {string} ticket_url where a signaling ticket is fetched by POST
 * @property {string} [csrf_token]
 * @property {string} [ws_url]
 * @property {"device"|"synthetic"} [camera]
 * @property {string} [display_name] for the painted camera, with organisation and index
 * @property {boolean} [automatic] the demo joins by itself
 * @property {boolean} [listen] false: hardly audible
 */

/** @returns {Boot} */
export function readBoot(page = document) {
  const element = page.getElementById("boot");
  return element && element.textContent ? JSON.parse(element.textContent) : { ticket_url: "" };
}

/** Tell the page that its module runs, so that the "open it another way" text stays hidden. */
export function markReady() {
  document.documentElement.classList.add("ready");
}
