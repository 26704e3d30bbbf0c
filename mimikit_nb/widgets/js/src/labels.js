// Names of marks over the waveform, always readable: a segment's on a plate at its visible
// beginning, a point's on its flag; where they would cover each other they take further rows. And
// the frame of the chosen mark. Parts of a sound are named only where the name has room: there may be
// a thousand of them.

import { element } from "./layout.js";

const ROWS = 3;
const GAP = 2; // pixels between two names

/** For boxes {left, width} in order of their left sides: the row that each finds room in. */
function rowsOf(boxes) {
  const ends = new Array(ROWS).fill(-Infinity);
  return boxes.map(({ left, width }) => {
    const free = ends.findIndex((end) => end + GAP <= left);
    const row = free >= 0 ? free : ends.indexOf(Math.min(...ends));
    ends[row] = left + width;
    return row;
  });
}

export class Labels {
  constructor(rules, marks, peaks, flags) {
    this.flags = flags;
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
    const visible = (mark) => (mark.stop ?? mark.time) >= start && (mark.start ?? mark.time) <= stop;
    const inOrder = (list) => this.marks.get(list).map(now).filter(visible);
    const segments = inOrder("segments").filter((s) => s.label).sort((a, b) => a.start - b.start);
    const plates = segments.map((segment) => {
      const plate = element("span", segment.label);
      plate.style.left = `${Math.max(x(segment.start), 0) + GAP}px`;
      return plate;
    });
    this.box.replaceChildren(...plates);
    if (this.marks.shared) this.#leaveOut(plates, segments.map((s, i) => Math.max(x(s.stop), x(segments[i + 1]?.start ?? stop))));
    const boxes = plates.map((plate) => ({ left: plate.offsetLeft, width: plate.offsetWidth }));
    rowsOf(boxes).forEach((row, i) => (plates[i].dataset.row = row));
    const points = inOrder("points").sort((a, b) => a.time - b.time);
    const widths = points.map(({ id, time }) => ({ left: x(time), width: this.flags.get(id)?.width ?? 0 }));
    rowsOf(widths).forEach((row, i) => this.flags.get(points[i].id)?.setRow(row));
    this.#frame(now(this.marks.chosenMark), x);
  }

  /** Take away names that reach over these places, where the next parts begin. */
  #leaveOut(plates, ends) {
    const fits = plates.map((plate, i) => plate.offsetLeft + plate.offsetWidth + GAP <= ends[i]);
    const named = plates.filter((_, i) => fits[i]);
    this.box.replaceChildren(...named);
    plates.splice(0, plates.length, ...named);
  }

  #frame(mark, x) {
    this.frame.hidden = !mark;
    if (!mark) return;
    const [left, right] = "time" in mark ? [x(mark.time), x(mark.time)] : [x(mark.start), x(mark.stop)];
    this.frame.style.left = `${left - 1}px`;
    this.frame.style.width = `${right - left + 2}px`;
  }
}
