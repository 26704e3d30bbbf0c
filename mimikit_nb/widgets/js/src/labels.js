// Names of segments over the waveform, always readable: each on a plate at its segment's visible
// beginning, with as much room as there is before the next one; and the frame of the chosen mark.

import { element } from "./layout.js";

const NARROW = 12; // pixels; with less room a name is left to the tooltip

export class Labels {
  constructor(rules, marks, peaks) {
    this.box = element("div", "", { class: "labels" });
    this.frame = element("div", "", { class: "chosen" });
    rules.append(this.box, this.frame);
    this.marks = marks;
    this.range = [0, 1];
    peaks.on("segments.dragged", ({ segment }) => {
      this.#draw({ id: segment.id, start: segment.startTime, stop: segment.endTime });
    });
    peaks.on("points.dragmove", ({ point }) => this.#draw({ id: point.id, time: point.time }));
  }

  update(start = this.range[0], stop = this.range[1]) {
    this.range = [start, stop];
    this.#draw();
  }

  /** Place everything; a mark that is just being dragged isn't in the model yet. */
  #draw(dragged = null) {
    const now = (mark) => (mark && mark.id === dragged?.id ? { ...mark, ...dragged } : mark);
    const [start, stop] = this.range;
    const width = this.box.clientWidth;
    const x = (time) => ((time - start) / (stop - start)) * width;
    const shown = this.marks.get("segments").map(now).filter((s) => s.stop > start && s.start < stop);
    shown.sort((a, b) => a.start - b.start);
    const plates = shown.map((segment, i) => {
      const left = Math.max(x(segment.start), 0);
      const room = Math.max(Math.min(x(segment.stop), width), i + 1 < shown.length ? x(shown[i + 1].start) : width) - left;
      if (!segment.label || room < NARROW) return null;
      const plate = element("span", segment.label);
      plate.style.left = `${left + 2}px`;
      plate.style.maxWidth = `${room - 4}px`;
      return plate;
    });
    this.box.replaceChildren(...plates.filter(Boolean));
    this.#frame(now(this.marks.chosenMark), x);
  }

  #frame(mark, x) {
    this.frame.hidden = !mark;
    if (!mark) return;
    const [left, right] = "time" in mark ? [x(mark.time), x(mark.time)] : [x(mark.start), x(mark.stop)];
    this.frame.style.left = `${left - 1}px`;
    this.frame.style.width = `${right - left + 2}px`;
  }
}
