/** Measures how loud a microphone is, 0 to 1, from the samples of its track. */
export class LevelMeter {
  #context;
  #analyser;
  #source;
  #samples;

  constructor(context, track) {
    this.#context = context;
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Uint8Array(this.#analyser.fftSize);
    this.#source = context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
  }

  /** Whether silence means anything: a suspended context hears nothing at all. */
  get running() {
    return this.#context.state === "running";
  }

  /** @returns {number} root mean square of the last 20 ms, stretched so that speech fills the bar */
  read() {
    this.#analyser.getByteTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += ((sample - 128) / 128) ** 2;
    return Math.min(1, Math.sqrt(sum / this.#samples.length) * 6);
  }

  close() {
    this.#source.disconnect();
  }
}
