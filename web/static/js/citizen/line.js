/** A page that hears nothing for this long gives up; the server has its own limits. */
const PATIENCE = 30000;
const WIDTH = 640;
const HEIGHT = 360;
const FRAMES = 15;
const MOST = 800_000;

/**
 * Sends a painted picture and a tone to the media server and back for some seconds. What that is worth the
 * server measures and scores; this page only carries messages (signaling/line_test.py).
 *
 * @param {string} base where the check lives, `/j/<code>/check`
 * @param {AudioContext|null} context a running one, for the tone
 * @param {(share: number) => void} show how far it is, 0 to 1
 * @returns {Promise<string>} the name of the test
 */
export async function testLine(base, context, show = () => {}) {
  const { test, relays } = await post(`${base}/line`, {});
  const settings = { bundlePolicy: "max-bundle", iceServers: relays };
  const out = new RTCPeerConnection(settings), back = new RTCPeerConnection(settings);
  const scene = paint(context);
  const began = performance.now();
  try {
    const lines = await offerAll(out, scene.tracks);
    let reply = await post(`${base}/line/${test}`, { beat: "", sdp: out.localDescription.sdp, lines });
    await out.setRemoteDescription({ type: "answer", sdp: reply.answer_sdp });
    while (!reply.over && performance.now() - began < PATIENCE) {
      const message = { beat: reply.beat };
      if (reply.offer) message.answer = await accept(back, reply.offer);
      else if (await isRelayed(out)) message.relayed = true;
      show(Math.min(0.97, (performance.now() - began) / 13000));
      reply = await post(`${base}/line/${test}`, message);
    }
    show(1);
    return test;
  } finally {
    out.close();
    back.close();
    scene.close();
  }
}

async function post(url, body) {
  const response = await fetch(url, { method: "POST", credentials: "same-origin", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

async function offerAll(connection, tracks) {
  const lines = tracks.map((track) => [connection.addTransceiver(track, { direction: "sendonly", sendEncodings: [{ maxBitrate: MOST }] }), track.kind === "audio" ? "microphone" : "camera"]);
  await connection.setLocalDescription(await connection.createOffer());
  return Object.fromEntries(lines.map(([line, source]) => [line.mid, source]));
}

async function accept(connection, { offer_id, sdp }) {
  await connection.setRemoteDescription({ type: "offer", sdp });
  await connection.setLocalDescription(await connection.createAnswer());
  return { offer_id, sdp: connection.localDescription.sdp };
}

async function isRelayed(connection) {
  const pair = connection.sctp?.transport?.iceTransport?.getSelectedCandidatePair?.() || connection.getSenders()[0]?.transport?.iceTransport?.getSelectedCandidatePair?.();
  return pair?.local?.type === "relay";
}

/** Noise, so that the codec needs all it may have; a still picture would say nothing about the line. */
function paint(context) {
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const small = Object.assign(document.createElement("canvas"), { width: WIDTH / 4, height: HEIGHT / 4 });
  const pen = canvas.getContext("2d"), fine = small.getContext("2d");
  const grain = fine.createImageData(small.width, small.height);
  const draw = () => {
    for (let place = 0; place < grain.data.length; place += 1) grain.data[place] = place % 4 === 3 ? 255 : Math.random() * 256;
    fine.putImageData(grain, 0, 0);
    pen.drawImage(small, 0, 0, WIDTH, HEIGHT);
  };
  draw();
  const timer = setInterval(draw, 1000 / FRAMES);
  const tracks = canvas.captureStream ? canvas.captureStream(FRAMES).getVideoTracks() : [];
  const tone = context && context.createOscillator();
  if (tone) {
    const target = context.createMediaStreamDestination();
    tone.connect(target);
    tone.start();
    tracks.push(...target.stream.getAudioTracks());
  }
  return {
    tracks,
    close() {
      clearInterval(timer);
      if (tone) tone.stop();
      for (const track of tracks) track.stop();
    },
  };
}
