import { Quality, Sampler } from "./quality.js";

const EVERY = 2000;

/**
 * Watches what a call receives and says the network in one of three words.
 *
 * @param {import("./call.js").Call} call
 * @param {(grade: import("./quality.js").Grade) => void} show
 */
export function watchNetwork(call, show) {
  const quality = new Quality();
  let sampler = new Sampler();
  let connection = null;
  setInterval(async () => {
    if (call.subscriber.connection !== connection) {
      connection = call.subscriber.connection;
      sampler = new Sampler();
    }
    if (!connection || call.subscriber.described.length === 0) return;
    const sample = sampler.sample((await connection.getStats()).values());
    if (sample && quality.add(sample)) show(quality.shown);
  }, EVERY);
  show(quality.shown);
}
