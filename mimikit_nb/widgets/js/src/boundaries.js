// The boundaries of parts: drawn as lines, and dragged from as near as a few pixels. One that two
// parts share moves both; with Alt it moves only the part on whose side it was taken.

import { element } from "./layout.js";
import { allowed, boundaries } from "./parts.js";

const REACH = 6; // pixels, and never more than a third of a part: the rest is for the part itself
const CROWDED = 4; // pixels between two boundaries, below which they are faint
const COLOUR = "#d55e00";

export class Boundaries {
  constructor(box, rules, view) {
    this.box = box;
    this.view = view;
    this.canvas = element("canvas", "", { class: "boundaries" });
    rules.prepend(this.canvas);
    this.held = null; // {left, right, time} while it is dragged
    this.known = { of: null, places: [] };
    box.addEventListener("mousemove", (event) => {
      box.classList.toggle("at-boundary", Boolean(this.held || this.near(event.clientX)));
    });
  }

  get places() {
    const of = this.view.marks.shared ? this.view.marks.get("segments") : [];
    if (this.known.of !== of) this.known = { of, places: boundaries(of) };
    return this.known.places;
  }

  #x(time) {
    const [start, stop] = this.view.range;
    return ((time - start) / (stop - start)) * this.box.clientWidth;
  }
  #time(clientX) {
    const [start, stop] = this.view.range;
    return start + ((stop - start) * (clientX - this.box.getBoundingClientRect().left)) / this.box.clientWidth;
  }

  /** The boundary that the pointer can take, if there is one. */
  near(clientX) {
    const x = clientX - this.box.getBoundingClientRect().left;
    const reach = ({ room }) => Math.min(REACH, (this.#x(room) - this.#x(0)) / 3);
    const away = (place) => Math.abs(this.#x(place.time) - x);
    const nearest = this.places.filter((place) => place.editable).reduce((a, b) => (a && away(a) <= away(b) ? a : b), null);
    return nearest && away(nearest) <= reach(nearest) ? nearest : null;
  }

  /** Take a boundary and drag it; false if there is none here. */
  take(event) {
    const place = this.near(event.clientX);
    if (!place) return false;
    event.stopPropagation();
    event.preventDefault();
    const slip = this.#time(event.clientX) - place.time;
    const side = slip < 0 ? "right" : "left"; // that stays behind with Alt
    const alone = event.altKey && place.left !== null && place.right !== null;
    const boundary = alone ? { ...place, [side]: null } : place;
    const { marks, info } = this.view;
    const move = (moved) => {
      const time = allowed(marks.get("segments"), boundary, this.#time(moved.clientX) - slip, info.duration);
      this.held = { ...boundary, time, from: place };
      marks.preview(boundary, time);
      this.draw();
    };
    const end = () => {
      window.removeEventListener("mousemove", move);
      window.removeEventListener("mouseup", end);
      const { held } = this;
      this.held = null;
      if (held && held.time !== place.time) marks.move(boundary, held.time);
      else {
        marks.choose("segments", (slip < 0 ? place.left : place.right) ?? place.left ?? place.right);
        this.view.media.seek(place.time + slip);
      }
    };
    window.addEventListener("mousemove", move);
    window.addEventListener("mouseup", end);
    return true;
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const fine = window.devicePixelRatio || 1;
    this.canvas.width = width * fine;
    this.canvas.height = height * fine;
    const places = this.places.map((place) => (place === this.held?.from ? this.held : place));
    const xs = places.map(({ time }) => this.#x(time)).filter((x) => x >= 0 && x <= width);
    this.canvas.dataset.count = xs.length;
    const c = this.canvas.getContext("2d");
    c.scale(fine, fine);
    c.strokeStyle = COLOUR;
    c.globalAlpha = xs.length * CROWDED > width ? 0.25 : 0.9;
    c.beginPath();
    for (const x of xs) {
      c.moveTo(Math.round(x) + 0.5, 0);
      c.lineTo(Math.round(x) + 0.5, height);
    }
    c.stroke();
  }
}
