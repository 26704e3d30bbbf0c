// The level meter: what the sound's level is where the playhead stands, and whether it clipped.

const FLOOR = 60; // dB below full scale at the left end
const FALL = 0.6; // dB per frame that a held peak falls

export class Meter {
  constructor(canvas, light, channels) {
    this.canvas = canvas;
    this.light = light;
    this.channels = channels;
    this.held = new Array(channels).fill(FLOOR);
    this.levels = null;
    light.addEventListener("click", () => this.#setClipped(false));
  }

  load({ buffers, step }) {
    this.levels = buffers[0];
    this.step = step;
    this.draw(0, false);
  }

  /** Decibels below full scale of every channel at a time. */
  at(time) {
    if (!this.levels) return new Array(this.channels).fill(FLOOR);
    const last = this.levels.length / this.channels - 1;
    const frame = Math.min(Math.max(Math.floor(time / this.step), 0), last);
    return Array.from({ length: this.channels }, (_, c) => this.levels[frame * this.channels + c] / 2);
  }

  draw(time, playing) {
    const levels = playing ? this.at(time) : new Array(this.channels).fill(FLOOR);
    if (playing && levels.some((below) => below === 0)) this.#setClipped(true);
    const { width, height } = this.canvas;
    const context = this.canvas.getContext("2d");
    const x = (below) => (1 - Math.min(below, FLOOR) / FLOOR) * width;
    const bar = Math.floor((height - (this.channels - 1) * 2) / this.channels);
    context.clearRect(0, 0, width, height);
    levels.forEach((below, channel) => {
      const y = channel * (bar + 2);
      this.held[channel] = Math.min(below, this.held[channel] + FALL, FLOOR);
      context.fillStyle = "rgba(128, 128, 128, 0.25)";
      context.fillRect(0, y, width, bar);
      context.fillStyle = below < 3 ? "#d55e00" : below < 12 ? "#e69f00" : "#009e73";
      context.fillRect(0, y, x(below), bar);
      if (this.held[channel] < FLOOR) context.fillRect(x(this.held[channel]) - 1.5, y, 1.5, bar);
    });
    const loudest = Math.min(...levels);
    const text = loudest >= FLOOR ? "below −60 dB" : `−${loudest.toFixed(1)} dB`;
    this.canvas.setAttribute("aria-label", `Level: ${text}`);
  }

  #setClipped(clipped) {
    this.light.dataset.on = clipped;
    this.light.setAttribute("aria-label", clipped ? "Clipped; press to reset" : "No clipping heard");
  }
}
