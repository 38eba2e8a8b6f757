"""A tone that climbs sixteen steps of 80 ms again and again, and an ear in the page that follows it.

Why not one steady tone: a decoder that has nothing to play draws the last tone out, so a hole sounds like no
hole. A step that never came, or one that lasts too long, cannot be made up.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.media.chromium import ChromiumPeer

STEPS, LOWEST, RISE = 16, 500, 100
STEP_MS, BLOCK_MS = 80, 20
# Hz by which a block may stray from its step: one zero crossing and a half in 20 ms.
STRAY = 40
SCRIPT = """
window.sound = async () => {
  const context = new AudioContext({sampleRate: 48000});
  await context.resume();
  const oscillator = new OscillatorNode(context, {frequency: 500});
  const begin = context.currentTime;
  for (let step = 0; step < 3000; step++)
    oscillator.frequency.setValueAtTime(500 + 100 * (step % 16), begin + step * 0.08);
  const destination = context.createMediaStreamDestination();
  oscillator.connect(destination);
  oscillator.start();
  return destination.stream.getAudioTracks()[0];
};
window.prepare = async (width, height) => {
  const camera = await navigator.mediaDevices.getUserMedia({video: {width, height, frameRate: 25}});
  window.stream = new MediaStream([await window.sound(), ...camera.getVideoTracks()]);
};
const EAR = `registerProcessor("ear", class extends AudioWorkletProcessor {
  constructor() { super(); this.clear(); this.blocks = []; this.last = 0; this.at = 0; this.stall = 0; }
  clear() { this.samples = this.crossings = this.energy = 0; }
  process([[channel]]) {
    const now = Date.now();
    if (this.at) this.stall = Math.max(this.stall, now - this.at);
    this.at = now;
    for (let place = 0; place < 128; place++) {
      const value = channel ? channel[place] : 0;
      this.energy += value * value;
      if (value >= 0 !== this.last >= 0) this.crossings++;
      this.last = value;
      if (++this.samples === 960) {
        this.blocks.push(this.energy < 0.01 ? 0 : this.crossings * 25);
        this.clear();
      }
    }
    if (this.blocks.length >= 10) {
      this.port.postMessage([this.blocks, this.stall]);
      this.blocks = [];
      this.stall = 0;
    }
    return true;
  }
});`;
window.ears = {};
window.stall = 0;
window.listen = async () => {
  const context = new AudioContext({sampleRate: 48000});
  await context.resume();
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([EAR], {type: "text/javascript"})));
  for (const {mid, receiver} of window.subscribing.getTransceivers()) {
    if (receiver.track.kind !== "audio") continue;
    const ear = new AudioWorkletNode(context, "ear");
    context.createMediaStreamSource(new MediaStream([receiver.track])).connect(ear);
    window.ears[mid] = [];
    ear.port.onmessage = ({data: [blocks, stall]}) => {
      window.ears[mid].push(...blocks);
      window.stall = Math.max(window.stall, stall);
    };
  }
};
window.forget = () => {
  for (const mid in window.ears) window.ears[mid].length = 0;
  window.stall = 0;
};
0;
"""


@dataclass
class Listening:
    """What an ear heard, in milliseconds: `gap` is the longest time without something new."""

    length: int = 0
    gap: int = 0
    missed: int = 0


def step_of(hertz: int) -> int | None:
    """Which step that is, None for silence and for what lies between two steps."""
    step, stray = divmod(hertz - LOWEST + RISE // 2, RISE)
    return step if 0 <= step < STEPS and abs(stray - RISE // 2) <= STRAY else None


def follow(blocks: list[int]) -> Listening:
    """Climb along: a step left out is missed by its length, one that stays is a gap from its end on.

    A step counts when two blocks in a row agree on it, so that one odd block is not taken for a leap.
    """
    found = Listening(length=len(blocks) * BLOCK_MS)
    steps = [step_of(hertz) for hertz in blocks]
    place, since = None, 0
    for number, (before, step) in enumerate(zip(steps, steps[1:], strict=False)):
        if step is None or step != before or step == place:
            continue
        ahead = (step - place) % STEPS if place is not None else 1
        if ahead <= STEPS // 2:
            skipped = (ahead - 1) * STEP_MS
            waited = max(0, (number - since) * BLOCK_MS - STEP_MS)
            found.missed += skipped
            found.gap = max(found.gap, skipped, waited if place is not None else 0)
            place, since = step, number
    found.gap = max(found.gap, (len(blocks) - since) * BLOCK_MS - 2 * STEP_MS)
    return found


async def prepare(peer: ChromiumPeer) -> None:
    """Once after the page was loaded."""
    await peer.page.evaluate(SCRIPT)


async def sound(peer: ChromiumPeer, width: int, height: int) -> None:
    """Call it before `publish` with the same size: the staircase takes the place of the microphone."""
    await peer.page.evaluate("size => prepare(...size)", [width, height])


async def listen(peer: ChromiumPeer) -> None:
    """Follow all sound that is received by now."""
    await peer.page.evaluate("listen()")


async def begin(*peers: ChromiumPeer) -> None:
    """Forget what was heard up to now."""
    for peer in peers:
        await peer.page.evaluate("forget()")


async def heard(peer: ChromiumPeer, participant_id: str) -> Listening:
    """What came from that participant since `begin`."""
    mids = [mid for mid, track in peer.tracks.items() if track["participant_id"] == participant_id]
    ears = await peer.page.evaluate("window.ears")
    return follow(next(ears[mid] for mid in mids if mid in ears))


async def stalled(peer: ChromiumPeer) -> int:
    """For how many milliseconds at most the page's sound had no turn since `begin`, whatever came."""
    return int(await peer.page.evaluate("window.stall"))
