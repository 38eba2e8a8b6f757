/**
 * Let the browser find out at once whether more is possible than it believes. Left alone Chromium grows by
 * a twelfth a second after a narrow stretch, a quarter of a minute up to the top layer; but it sends a probe
 * when the most that all layers may take has changed, be it by one kbit/s.
 *
 * @param {RTCPeerConnection} connection
 */
export async function climb(connection) {
  for (const sender of connection.getSenders()) {
    const parameters = sender.getParameters();
    const top = parameters.encodings.at(-1);
    if (sender.track?.kind !== "video" || !top?.maxBitrate) continue;
    top.maxBitrate ^= 1024;
    await sender.setParameters(parameters).catch(() => {});
  }
}
