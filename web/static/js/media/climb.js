import { negotiate } from "./negotiation.js";

/** kbit/s that video may take in all: above what all layers of a camera and a screen take together. */
const CEILING = 2800;

/**
 * Let the browser find out at once whether more is possible than it believes. Left alone Chromium grows by
 * a twelfth a second after a narrow stretch, a quarter of a minute up to the top layer. But whenever the
 * ceiling of all video (b=AS, RFC 4566 section 5.8) rises above what it believes, it sends a probe of 15 ms at
 * the new ceiling, whatever it sends besides. So the last answer is applied again with one kbit/s more; the
 * server has no part in it.
 *
 * @param {RTCPeerConnection} connection
 */
export function climb(connection) {
  return negotiate(connection, async () => {
    if (!connection.remoteDescription || connection.signalingState !== "stable") return;
    // Without any ceiling, as after every answer of the server, there is none that could rise.
    if (!ceilingOf(connection)) await limit(connection, CEILING);
    await limit(connection, ceilingOf(connection) + 1);
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
