// The sound that waits to be heard: a ring buffer that an audio worklet empties. The same module
// is imported by the page where there are no worklets.
const FADE_SECONDS = 0.005, TELL_SECONDS = 0.05;

export class Ring {
  constructor(channels, rate, seconds) {
    this.size = Math.round(rate * seconds);
    this.rings = Array.from({ length: channels }, () => new Float32Array(this.size));
    this.last = new Float32Array(channels);
    this.fade = 1 / (rate * FADE_SECONDS);
    this.begin(Infinity);
  }

  /** Forget everything; sound starts, and starts again, when `threshold` samples wait. */
  begin(threshold) {
    Object.assign(this, { threshold, first: 0, filled: 0, played: 0, envelope: 0, peak: 0 });
    Object.assign(this, { underruns: 0, starts: 0, dropped: 0 });
    Object.assign(this, { sounding: false, stopping: false, ended: false, done: false });
    this.last.fill(0);
  }

  /** Take samples, one channel after the other; what doesn't fit is dropped and counted. */
  push(samples) {
    const n = samples.length / this.rings.length;
    const taken = Math.min(n, this.size - this.filled);
    const at = (this.first + this.filled) % this.size;
    const whole = Math.min(taken, this.size - at);
    this.rings.forEach((ring, c) => {
      ring.set(samples.subarray(c * n, c * n + whole), at);
      ring.set(samples.subarray(c * n + whole, c * n + taken), 0);
    });
    this.filled += taken;
    this.dropped += n - taken;
  }

  /** Fill outputs `[channels][n]`; a gap fades out from where the sound broke off. */
  read(outputs) {
    const n = outputs[0].length;
    for (let i = 0; i < n; i++) {
      if (this.sounding && !this.filled) this.#runDry();
      const enough = this.filled >= this.threshold || (this.ended && this.filled);
      if (!this.sounding && enough && !this.stopping) {
        this.sounding = true;
        this.starts++;
        this.envelope = 0;
      }
      this.envelope = Math.min(1, Math.max(0, this.envelope + (this.stopping ? -this.fade : this.fade)));
      for (let c = 0; c < outputs.length; c++) {
        const value = this.sounding ? this.rings[c][this.first] : this.last[c] * (1 - this.fade);
        this.last[c] = value;
        outputs[c][i] = value * this.envelope;
        this.peak = Math.max(this.peak, Math.abs(outputs[c][i]));
      }
      if (this.sounding) {
        this.first = (this.first + 1) % this.size;
        this.filled--;
        this.played++;
      }
    }
    if (this.stopping && !this.envelope) this.begin(Infinity);
  }

  #runDry() {
    this.sounding = false;
    if (this.ended) this.done = true;
    else this.underruns++;
  }

  obey({ type, samples, threshold }) {
    if (type === "block") this.push(samples);
    else if (type === "begin") this.begin(threshold);
    else if (type === "threshold") this.threshold = threshold;
    else if (type === "finish") this.ended = true;
    else if (type === "stop") this.stopping = true;
  }

  /** Facts for the page; the peak is that since it was last asked. */
  report() {
    const { played, filled, underruns, starts, dropped, sounding, done, threshold, peak } = this;
    this.peak = 0;
    return { played, filled, underruns, starts, dropped, sounding, done, threshold, peak };
  }
}

/** Says when there is something to report: now and then, and at every change. */
export class Teller {
  constructor(rate) {
    this.every = rate * TELL_SECONDS;
    this.since = 0;
    this.state = "";
  }
  isDue(ring, n) {
    const state = `${ring.sounding} ${ring.starts} ${ring.underruns} ${ring.done}`;
    const isDue = (this.since += n) >= this.every || state !== this.state;
    if (isDue) Object.assign(this, { since: 0, state });
    return isDue;
  }
}

if (globalThis.registerProcessor) {
  class LiveRing extends AudioWorkletProcessor {
    constructor({ processorOptions: { channels, seconds } }) {
      super();
      this.ring = new Ring(channels, sampleRate, seconds);
      this.teller = new Teller(sampleRate);
      this.port.onmessage = ({ data }) => this.ring.obey(data);
    }
    process(_, [outputs]) {
      this.ring.read(outputs);
      if (this.teller.isDue(this.ring, outputs[0].length)) this.port.postMessage(this.ring.report());
      return true;
    }
  }
  registerProcessor("mimikit-nb-live", LiveRing);
}
