const BREATH = 1200;

/**
 * Let the browser find out at once whether more is possible than it believes. Left alone Chromium grows by
 * a twelfth a second after a narrow stretch, a quarter of a minute up to the top layer. But when it has sent
 * much less than it might, and what it may send at most is raised, it sends a probe: so all layers take half
 * for a breath, and then the whole again.
 *
 * @param {RTCPeerConnection} connection
 * @param {number} [breath] milliseconds
 */
export async function climb(connection, breath = BREATH) {
  const before = new Map(connection.getSenders().map((sender) => [sender, sender.getParameters().encodings.map(({ maxBitrate }) => maxBitrate)]));
  await change(before, (rate) => rate, half);
  await new Promise((resolve) => setTimeout(resolve, breath));
  await change(before, half, (rate) => rate);
}

function half(rate) {
  return Math.floor(rate / 2);
}

/** Where a camera's layer still has one share of what it had, give it another. */
async function change(before, from, to) {
  for (const [sender, rates] of before) {
    if (sender.track?.kind !== "video") continue;
    const parameters = sender.getParameters();
    parameters.encodings.forEach((layer, place) => {
      if (rates[place] && layer.maxBitrate === from(rates[place])) layer.maxBitrate = to(rates[place]);
    });
    await sender.setParameters(parameters).catch(() => {});
  }
}
