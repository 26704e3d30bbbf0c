// Selecting a passage by dragging over the waveform, and seeking by a click. A drag that begins on
// a mark is left to peaks.js, which moves or resizes it; with Shift it selects all the same.

const CLICK = 3; // pixels that a click may slip
const MARKS = new Set(["point-marker", "segment-marker", "segment-overlay"]);

export class Selecting {
  constructor(box, view) {
    this.box = box;
    this.view = view;
    box.addEventListener("mousedown", (event) => this.#begin(event), true);
    box.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #x(event) {
    return event.clientX - this.box.getBoundingClientRect().left;
  }
  #time(event) {
    const [start, stop] = this.view.range;
    return Math.min(Math.max(start + ((stop - start) * this.#x(event)) / this.box.clientWidth, 0), this.view.info.duration);
  }

  #begin(event) {
    if (event.button !== 0) return;
    this.view.root.focus({ preventScroll: true });
    if (!event.shiftKey && (this.view.boundaries.take(event) || this.#onMark(event))) return;
    event.stopPropagation();
    event.preventDefault();
    const from = { x: event.clientX, time: this.#time(event) };
    const move = (moved) => {
      if (Math.abs(moved.clientX - from.x) < CLICK) return;
      this.view.marks.select([from.time, this.#time(moved)], false);
    };
    const end = (up) => {
      window.removeEventListener("mousemove", move);
      window.removeEventListener("mouseup", end);
      const dragged = Math.abs(up.clientX - from.x) >= CLICK;
      this.view.marks.select(dragged ? this.view.marks.selection : null);
      this.view.marks.choose(null);
      this.view.media.region = null;
      this.view.media.seek(dragged ? this.view.marks.selection[0] : from.time);
    };
    window.addEventListener("mousemove", move);
    window.addEventListener("mouseup", end);
  }

  #onMark(event) {
    const at = { x: this.#x(event), y: event.clientY - this.box.getBoundingClientRect().top };
    let shape = this.view.zoomview.getStage().getIntersection(at);
    while (shape && !MARKS.has(shape.attrs?.name)) shape = shape.getParent();
    return Boolean(shape);
  }

  /** Ctrl and the wheel zoom around the pointer; the plain wheel scrolls the page. */
  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.view.zoomBy(Math.sign(event.deltaY), this.#time(event), this.#x(event));
  }
}
