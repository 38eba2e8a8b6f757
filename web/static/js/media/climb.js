import { negotiate } from "./negotiation.js";

/** kbit/s that video may take in all: above what all layers of a camera and a screen take together. */
const CEILING = 2800;
/** The same where the network has just shown itself wider: a stall of the device hides less of such a probe. */
const HIGH_CEILING = 5600;

/**
 * Let the browser find out at once whether more is possible than it believes. Left alone Chromium grows by
 * a twelfth a second after a narrow stretch, a quarter of a minute up to the top layer. But whenever the
 * ceiling of all video (b=AS, RFC 4566 section 5.8) rises above what it believes, it sends a probe of 15 ms at
 * the new ceiling, whatever it sends besides. So the last answer is applied again with one kbit/s more; the
 * server has no part in it.
 *
 * @param {RTCPeerConnection} connection
 * @param {boolean} high whether the last attempt was worth it
 */
export function climb(connection, high = false) {
  return negotiate(connection, async () => {
    if (!connection.remoteDescription || connection.signalingState !== "stable") return;
    // Without any ceiling, as after every answer of the server, there is none that could rise.
    // One that was raised for a wide network is taken down again: a burst of that size fills a narrow one.
    if (!ceilingOf(connection) || (!high && ceilingOf(connection) >= HIGH_CEILING)) await limit(connection, CEILING);
    const next = ceilingOf(connection) + 1;
    await limit(connection, high ? Math.max(next, HIGH_CEILING) : next);
  });
}

async function limit(connection, ceiling) {
  const { sdp } = connection.remoteDescription;
  await connection.setLocalDescription(await connection.createOffer());
  await connection.setRemoteDescription({ type: "answer", sdp: withCeiling(sdp, ceiling) });
}

function ceilingOf({ remoteDescription }) {
  return Number((/^b=AS:(\d+)\r$/m.exec(remoteDescription.sdp) || [])[1] || 0);
}

/** @returns {string} the description with this ceiling in each section of video, kbit/s */
export function withCeiling(sdp, ceiling) {
  const sections = sdp.split(/^(?=m=)/m);
  return sections.map((section) => (section.startsWith("m=video") ? one(section, ceiling) : section)).join("");
}

/** The line stands after c=, before every a=. */
function one(section, ceiling) {
  const lines = section.split("\r\n").filter((line) => !line.startsWith("b=AS:"));
  const place = lines.findIndex((line) => line.startsWith("a="));
  lines.splice(place < 0 ? lines.length - 1 : place, 0, `b=AS:${ceiling}`);
  return lines.join("\r\n");
}
