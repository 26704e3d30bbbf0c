// The row below the waveform: the chosen mark (or the selection) in plain fields and buttons, so
// that everything the mouse does can also be typed.

import { describe, element, icon } from "./layout.js";

const STEP = 0.01;

export class Inspector {
  constructor({ root, find }, view) {
    this.box = find(".inspector");
    this.root = root;
    this.view = view;
    this.shown = "";
  }

  focusLabel() {
    this.box.querySelector("input[name=label]")?.focus();
  }

  /** Show the chosen mark, else the selection, else nothing; keep the fields that are in use. */
  update() {
    const { marks } = this.view;
    const mark = marks.chosenMark;
    const shown = JSON.stringify([marks.chosen, mark, mark ? null : marks.selection]);
    if (shown === this.shown) return;
    this.shown = shown;
    const focused = this.box.contains(document.activeElement) && document.activeElement.name;
    this.box.replaceChildren();
    this.box.hidden = !mark && !marks.selection;
    if (mark) this.#showMark(mark, marks.chosen.list);
    else if (marks.selection) this.#showSelection(marks.selection);
    if (focused) (this.box.querySelector(`[name=${focused}]`) ?? this.root).focus();
  }

  #showMark(mark, list) {
    const change = (values) => this.view.marks.change(list, mark.id, values);
    this.#text("label", "Label", mark.label, mark.editable, (label) => change({ label }));
    this.#kind(mark, (kind) => change({ kind }));
    for (const key of list === "points" ? ["time"] : ["start", "stop"]) {
      this.#seconds(key, mark[key], mark.editable, (value) => change({ [key]: value }));
    }
    const [start, stop] = list === "points" ? [mark.time, null] : [mark.start, mark.stop];
    this.#button("play-mark", "Play", "play", () => this.view.playPassage(start, stop));
    if (mark.editable) this.#button("delete-mark", "Delete", "remove", () => this.view.marks.removeChosen());
    if (Object.keys(mark.metadata).length) {
      const [, , ...facts] = describe({ ...mark, label: mark.label || mark.kind }).split("\n");
      this.box.append(element("span", facts.join(" · "), { class: "about" }));
    }
  }

  #showSelection([start, stop]) {
    this.box.append(element("span", `Selection, ${(stop - start).toFixed(3)} s`));
    this.#seconds("start", start, true, (value) => this.view.marks.select([value, stop]));
    this.#seconds("stop", stop, true, (value) => this.view.marks.select([start, value]));
    this.#button("play-mark", "Play selection", "play", () => this.view.playPassage(start, stop));
    this.#button("make-segment", "Make a segment of it", "segment", () => this.view.addSegment());
    this.#button("clear", "Clear selection", "remove", () => this.view.marks.select(null));
  }

  #field(name, control) {
    const label = element("label", name);
    label.append(control);
    this.box.append(label);
  }

  #text(name, title, value, enabled, set) {
    const input = element("input", "", { name, type: "text", size: 14, "aria-label": title });
    input.value = value;
    input.disabled = !enabled;
    input.addEventListener("change", () => set(input.value));
    this.#field(title, input);
  }

  #kind(mark, set) {
    const select = element("select", "", { name: "kind", "aria-label": "Kind" });
    for (const kind of new Set([mark.kind, ...Object.keys(this.view.info.colours)])) {
      select.append(element("option", kind, { value: kind }));
    }
    select.value = mark.kind;
    select.disabled = !mark.editable;
    select.addEventListener("change", () => set(select.value));
    this.#field("Kind", select);
  }

  #seconds(name, value, enabled, set) {
    const title = `${name[0].toUpperCase()}${name.slice(1)} in seconds`;
    const input = element("input", "", { name, type: "number", min: 0, step: STEP, "aria-label": title });
    input.max = this.view.info.duration;
    input.value = +value.toFixed(4);
    input.disabled = !enabled;
    input.addEventListener("change", () => Number.isFinite(input.valueAsNumber) && set(input.valueAsNumber));
    this.#field(title.replace(" in seconds", " s"), input);
  }

  #button(name, title, picture, act) {
    const button = element("button", "", { name, type: "button", "aria-label": title, title });
    button.innerHTML = icon(picture);
    button.addEventListener("click", act);
    this.box.append(button);
  }
}
