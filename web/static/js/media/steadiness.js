/** Milliseconds of buffer: so much and two round trips, at most. */
const LEAST = 250;
const MOST = 900;
/** From this share of packets asked for again on, and until so long after, in milliseconds. */
const LOSSY = 0.02;
const CALM = 20_000;

/** On a lossy network what is received waits longer, so that what is sent again comes in time. */
export class Steadiness {
  #until = 0;
  #target = null;

  /**
   * @param {RTCPeerConnection} connection
   * @param {import("./figures.js").Figures} figures of the last second
   * @param {number} now milliseconds
   */
  adjust(connection, { asked, received, roundTrip }, now) {
    if (asked > 1 && asked > received * LOSSY) {
      this.#until = now + CALM;
      const wanted = Math.min(MOST, LEAST + 100 * Math.ceil((roundTrip || 0) * 20));
      this.#target = Math.max(wanted, this.#target || 0);
    } else if (now > this.#until) this.#target = null;
    for (const receiver of connection.getReceivers()) receiver.jitterBufferTarget = this.#target;
  }
}
