// How points look: a line with a flag at its foot that carries the label, always visible.

import { Group } from "konva/lib/Group.js";
import { Line } from "konva/lib/shapes/Line.js";
import { Rect } from "konva/lib/shapes/Rect.js";
import { Text } from "konva/lib/shapes/Text.js";

const FLAG = 16;

class PointMarker {
  constructor(options) {
    this.options = options;
    this.row = 0;
  }

  init(group) {
    const { point, color, view } = this.options;
    this.line = new Line({ x: 0, y: 0, stroke: color, strokeWidth: 1.5, hitStrokeWidth: 9 });
    group.add(this.line);
    if (view === "zoomview") {
      this.flag = new Group();
      this.text = new Text({ text: point.labelText, fontSize: 11, fill: "#fff", x: 4, y: 3 });
      this.plate = new Rect({ fill: color, height: FLAG, cornerRadius: [0, 3, 3, 0] });
      this.flag.add(this.plate, this.text);
      group.add(this.flag);
      group.on("mouseenter", () => this.#cursor(this.options.editable ? "ew-resize" : "default"));
      group.on("mouseleave", () => this.#cursor(""));
    }
    this.fitToView();
  }

  fitToView() {
    const height = this.options.layer.getHeight();
    this.line.points([0, 0, 0, height]);
    if (!this.flag) return;
    this.plate.width(Math.max(this.text.width() + 8, 8));
    this.flag.y(height - FLAG - 20 - this.row * (FLAG + 1));
  }

  get width() {
    return this.plate?.width() ?? 0;
  }

  /** Fly the flag higher, over the flag of a point close by. */
  setRow(row) {
    if (row === this.row) return;
    this.row = row;
    this.fitToView();
  }

  update(changes) {
    if (changes.labelText !== undefined && this.text) {
      this.text.text(changes.labelText);
      this.fitToView();
    }
  }

  #cursor(name) {
    const stage = this.line.getStage();
    if (stage) stage.container().style.cursor = name;
  }
}

/** What makes markers for peaks.js; those of the zoom view are kept in `flags` by their point's id. */
export const pointMarkers = (flags) => (options) => {
  const marker = new PointMarker(options);
  if (options.view === "zoomview") flags.set(options.point.id, marker);
  return marker;
};
