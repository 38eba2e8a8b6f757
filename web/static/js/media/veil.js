/**
 * 屏蔽: the camera is stopped and the voice altered before it leaves this device. The server keeps the
 * microphone locked until this page has said that it sends the altered voice and nothing else.
 */

/** Seconds of sound in a grain; two of them overlap. */
const GRAIN = 0.08;
/** Nobody undoes by ear or by one number what changes: the ratio is drawn anew every so many seconds. */
const REDRAWN = 7;
/** Telephone band: what tells one throat from another lies above and below. */
const LOW = 250;
const HIGH = 3400;
/** Milliseconds in which what was sent before has left, so that what follows is altered. */
const SETTLE = 1000;

let context = null;
let timer = 0;

/**
 * @param {import("./call.js").Call} call
 * @param {import("./capture.js").Capture} capture
 * @param {boolean} veiled
 */
export async function set(call, capture, veiled) {
  if (!veiled) return uncover(capture);
  capture.cover(true);
  if (!context) {
    context = new AudioContext();
    capture.alter((track) => alter(context, track));
  }
  await context.resume();
  await new Promise((done) => setTimeout(done, SETTLE));
  if (context && context.state === "running" && call.myself?.veiled) await call.command("voice_altered");
}

async function uncover(capture) {
  clearInterval(timer);
  capture.alter(null);
  if (context) context.close();
  context = null;
  await capture.cover(false);
}

function alter(within, track) {
  const source = within.createMediaStreamSource(new MediaStream([track]));
  const out = within.createMediaStreamDestination();
  const shifter = shift(within, drawRatio());
  source.connect(shifter.input);
  shifter.output.connect(out);
  clearInterval(timer);
  timer = setInterval(() => shifter.turn(drawRatio()), REDRAWN * 1000);
  return out.stream.getAudioTracks()[0];
}

/** @returns {number} clearly lower or clearly higher than one's own voice */
export function drawRatio() {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  const part = (random >>> 1) / 2 ** 31;
  return random & 1 ? 0.68 + 0.12 * part : 1.3 + 0.25 * part;
}

/**
 * Pitch and formants together: two grains read the sound while a delay grows (lower) or shrinks (higher),
 * each faded out while its delay jumps back.
 *
 * @param {BaseAudioContext} within
 * @param {number} ratio of every frequency
 * @returns {{input: AudioNode, output: AudioNode, turn: (ratio: number) => void}}
 */
export function shift(within, ratio) {
  const input = within.createBiquadFilter();
  const output = within.createBiquadFilter();
  Object.assign(input, { type: "highpass" }).frequency.value = LOW;
  Object.assign(output, { type: "lowpass" }).frequency.value = HIGH;
  let players = [];
  const turn = (next) => {
    const before = players;
    const sweep = ramp(within, next);
    players = [0, GRAIN / 2].flatMap((offset) => grain(within, input, output, sweep, offset));
    for (const player of before) player.stop();
  };
  turn(ratio);
  return { input, output, turn };
}

function grain(within, input, output, sweep, offset) {
  const delay = within.createDelay(1);
  const gain = within.createGain();
  gain.gain.value = 0;
  input.connect(delay).connect(gain).connect(output);
  const players = [[sweep, delay.delayTime], [fade(within), gain.gain]].map(([buffer, target]) => {
    const player = new AudioBufferSourceNode(within, { buffer, loop: true });
    player.connect(target);
    player.start(within.currentTime, offset);
    return player;
  });
  players[1].onended = () => gain.disconnect();
  return players;
}

/** The delay in seconds over one grain. */
function ramp(within, ratio) {
  const most = Math.abs(1 - ratio) * GRAIN;
  return filled(within, (part) => most * (ratio < 1 ? part : 1 - part));
}

function fade(within) {
  return filled(within, (part) => Math.sin(Math.PI * part) ** 2);
}

function filled(within, value) {
  const length = Math.round(GRAIN * within.sampleRate);
  const buffer = within.createBuffer(1, length, within.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let at = 0; at < length; at++) samples[at] = value(at / length);
  return buffer;
}
