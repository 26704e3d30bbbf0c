// The spectrogram below the waveform, in step with its zoom. Python computes one spectrum per
// pixel of what is visible; until a new picture is there the last one is stretched to fit.

const ROWS_SHOWN = 110;
const WAIT = 90; // ms of rest before a sharper picture is asked for

// Black, violet, orange, white: dark is quiet on every ground.
const STOPS = [
  [0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122],
  [229, 80, 100], [251, 135, 97], [254, 194, 135], [252, 253, 191],
];
const PALETTE = Array.from({ length: 256 }, (_, i) => {
  const place = (i / 255) * (STOPS.length - 1);
  const low = Math.min(Math.floor(place), STOPS.length - 2);
  return STOPS[low].map((v, c) => Math.round(v + (STOPS[low + 1][c] - v) * (place - low)));
});

export class Spectrogram {
  constructor(box, duration, ask, tell) {
    this.box = box;
    this.canvas = box.querySelector("canvas");
    this.duration = duration;
    this.ask = ask;
    this.tell = tell;
    this.whole = null; // picture of the whole sound, always there to stretch
    this.detail = null;
    this.shown = false;
    this.range = [0, duration];
    this.newest = 0;
  }

  show(shown) {
    this.shown = shown;
    this.box.hidden = !shown;
    if (shown) this.update(...this.range);
    else clearTimeout(this.timer);
  }

  update(start, stop) {
    this.range = [start, stop];
    if (!this.shown || !this.box.clientWidth) return;
    this.#paint();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(this.#sharpen()), this.whole ? WAIT : 0);
  }

  async #sharpen() {
    const ticket = ++this.newest;
    const [start, stop] = this.range;
    this.whole ??= await this.#fetch(0, this.duration);
    if (ticket === this.newest && stop - start < 0.95 * this.duration)
      this.detail = await this.#fetch(start, stop);
    if (ticket === this.newest) this.#paint();
  }

  async #fetch(start, stop) {
    const columns = Math.max(64, Math.round(this.box.clientWidth));
    const answer = await this.ask("spectrogram", { start, stop, columns });
    const canvas = new OffscreenCanvas(columns, answer.rows);
    const context = canvas.getContext("2d");
    const image = context.createImageData(columns, answer.rows);
    answer.buffers[0].forEach((value, i) => {
      image.data.set(PALETTE[value], 4 * i);
      image.data[4 * i + 3] = 255;
    });
    context.putImageData(image, 0, 0);
    this.#label(answer.ticks);
    return { canvas, start, stop };
  }

  #paint() {
    const width = Math.round(this.box.clientWidth);
    if (this.canvas.width !== width) this.canvas.width = width;
    this.canvas.height = ROWS_SHOWN;
    const context = this.canvas.getContext("2d");
    for (const picture of [this.whole, this.detail]) {
      if (!picture) continue;
      const [start, stop] = this.range;
      const scale = width / (stop - start);
      const x = (picture.start - start) * scale;
      const w = (picture.stop - picture.start) * scale;
      context.drawImage(picture.canvas, x, 0, w, ROWS_SHOWN);
    }
  }

  #label(ticks) {
    if (this.box.querySelector(".tick")) return;
    for (const [text, height] of ticks) {
      const tick = document.createElement("span");
      tick.className = "tick";
      tick.textContent = text;
      tick.style.bottom = `clamp(0px, ${height * 100}% - 6px, 100% - 12px)`;
      this.box.append(tick);
    }
  }
}
