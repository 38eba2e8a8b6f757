/**
 * What the server handed to the page in `<script type="application/json" id="boot">`.
 *
 * @typedef {object} Boot
 * @property {string} ticket_url where a signaling ticket is fetched by POST
 * @property {string} [csrf_token]
 * @property {string} [ws_url]
 * @property {string} [participant_role]
 * @property {"device"|"synthetic"} [camera]
 * @property {{title?: string, starts_at?: string, ends_at?: string}} [session]
 * @property {string} [display_name]
 * @property {string} [organisation]
 * @property {string} [tier]
 * @property {string} [help_phone]
 * @property {boolean} [automatic] the demo joins by itself
 * @property {boolean} [listen] false: silent, for all but one of the four demonstration windows
 */

/**
 * @param {Document} [page]
 * @returns {Boot}
 */
export function readBoot(page = document) {
  const element = page.getElementById("boot");
  return element && element.textContent ? JSON.parse(element.textContent) : { ticket_url: "" };
}

/** Tell the page that its module runs, so that the "open it another way" text stays hidden. */
export function markReady() {
  document.documentElement.classList.add("ready");
}
