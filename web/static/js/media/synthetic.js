/**
 * A camera and a microphone made by the page itself, for the demonstration on one machine: a coloured
 * card with the name, a moving hand and the time, and a quiet tone.
 */

const COLOURS = ["#1d4f7a", "#5b3a6e", "#2c5f3f", "#7a4a1d"];
const TONES = [262, 330, 392, 494];
const WIDTH = 640;
const HEIGHT = 360;
const FRAMES_PER_SECOND = 15;

export class SyntheticCamera {
  #card;
  #timer = null;
  #audio = null;
  #canvas = null;

  /** @param {{name: string, organisation?: string, index?: number}} card what is painted, and which colour and tone */
  constructor(card) {
    this.#card = card;
  }

  /** @returns {MediaStream} one video and one audio track */
  open() {
    this.#canvas = document.createElement("canvas");
    this.#canvas.width = WIDTH;
    this.#canvas.height = HEIGHT;
    this.#paint();
    this.#timer = setInterval(() => this.#paint(), 1000 / FRAMES_PER_SECOND);
    const stream = this.#canvas.captureStream(FRAMES_PER_SECOND);
    stream.addTrack(this.#tone());
    return stream;
  }

  /** @returns {MediaStreamTrack} a written sheet, for showing a document */
  paper() {
    const sheet = Object.assign(document.createElement("canvas"), { width: 960, height: 720 });
    writeSheet(sheet.getContext("2d"), this.#card.name);
    const track = sheet.captureStream(2).getVideoTracks()[0];
    const timer = setInterval(() => {
      if (track.readyState === "ended") clearInterval(timer);
      else writeSheet(sheet.getContext("2d"), this.#card.name);
    }, 500);
    return track;
  }

  close() {
    clearInterval(this.#timer);
    if (this.#audio) this.#audio.close();
  }

  // Internal

  #tone() {
    this.#audio = new AudioContext();
    const oscillator = this.#audio.createOscillator();
    const gain = this.#audio.createGain();
    const out = this.#audio.createMediaStreamDestination();
    oscillator.frequency.value = TONES[(this.#card.index || 0) % TONES.length];
    gain.gain.value = 0.05;
    oscillator.connect(gain).connect(out);
    oscillator.start();
    this.#audio.resume().catch(() => {});
    return out.stream.getAudioTracks()[0];
  }

  #paint() {
    const context = this.#canvas.getContext("2d");
    const seconds = Date.now() / 1000;
    context.fillStyle = COLOURS[(this.#card.index || 0) % COLOURS.length];
    context.fillRect(0, 0, WIDTH, HEIGHT);
    this.#paintHand(context, seconds);
    context.fillStyle = "#ffffff";
    context.font = "600 44px sans-serif";
    context.fillText(this.#card.name, 32, 76);
    context.font = "26px sans-serif";
    context.fillText(this.#card.organisation || "", 32, 120);
    context.fillText(new Date().toTimeString().slice(0, 8), 32, HEIGHT - 32);
  }

  #paintHand(context, seconds) {
    const turn = (seconds % 4) / 4 * 2 * Math.PI - Math.PI / 2;
    const [x, y, length] = [500, 200, 96];
    context.strokeStyle = "#ffffff";
    context.lineWidth = 6;
    context.beginPath();
    context.arc(x, y, length + 14, 0, 2 * Math.PI);
    context.moveTo(x, y);
    context.lineTo(x + length * Math.cos(turn), y + length * Math.sin(turn));
    context.stroke();
  }
}

function writeSheet(context, name) {
  context.fillStyle = "#fdfcf5";
  context.fillRect(0, 0, 960, 720);
  context.fillStyle = "#1b1f24";
  context.font = "600 44px serif";
  context.fillText("情况说明（演示）", 300, 90);
  context.font = "28px serif";
  const lines = ["一、加装电梯后，一至三层东侧住户采光受影响。", "二、住户多次向物业反映，至今没有书面答复。", "三、请求相关部门现场测量，给出处理意见。"];
  lines.forEach((line, place) => context.fillText(line, 90, 190 + 80 * place));
  context.fillText(`${name}    ${new Date().toTimeString().slice(0, 8)}`, 560, 620);
}
