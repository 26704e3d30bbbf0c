// Points, segments and the selection: the model's lists are the truth, peaks.js draws them, and
// every change that is made here goes through `commit`, which remembers it for undo. In a view that
// keeps a history of its own nothing is remembered here, and segments are parts that never overlap.

import { changed, moved, withNew } from "./parts.js";

const SELECTION = "mnb-selection";
const round = (seconds) => +seconds.toFixed(6);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const changeable = ({ id, borderColor, ...rest }) => rest; // what peaks.js draws anew in place

export class Marks {
  constructor(model, peaks, info, onChange) {
    this.model = model;
    this.peaks = peaks;
    this.info = info;
    this.onChange = onChange;
    this.chosen = null; // {list: "points" | "segments", id}
    this.past = [];
    this.future = [];
    this.drawn = { points: new Map(), segments: new Map() };
    peaks.on("segments.dragend", ({ segment }) => this.#dragged(segment));
    peaks.on("points.dragend", ({ point }) => this.change("points", point.id, { time: point.time }));
    peaks.on("segments.click", ({ segment }) => this.choose("segments", segment.id));
    peaks.on("points.click", ({ point, preventViewEvent }) => {
      preventViewEvent();
      this.choose("points", point.id);
    });
  }

  get(list) {
    return this.model.get(list) ?? [];
  }
  find(list, id) {
    return this.get(list).find((mark) => mark.id === id);
  }
  get chosenMark() {
    return this.chosen && this.find(this.chosen.list, this.chosen.id);
  }
  get selection() {
    return this.model.get("selection");
  }

  // --- changes ----------------------------------------------------------------------------------
  /** What the history of the view around the player allows, if it keeps one: {undo, redo}. */
  get shared() {
    const history = this.model.get("history") ?? {};
    return "undo" in history ? history : null;
  }
  get canUndo() {
    return this.shared ? this.shared.undo : this.past.length > 0;
  }
  get canRedo() {
    return this.shared ? this.shared.redo : this.future.length > 0;
  }
  commit(changes) {
    if (this.shared) return this.#set(changes);
    this.past.push({ points: this.get("points"), segments: this.get("segments") });
    this.future = [];
    this.#set(changes);
  }
  undo() {
    if (!this.canUndo) return;
    if (this.shared) this.model.send({ do: "undo" });
    else this.#travel(this.past, this.future);
  }
  redo() {
    if (!this.canRedo) return;
    if (this.shared) this.model.send({ do: "redo" });
    else this.#travel(this.future, this.past);
  }
  change(list, id, values) {
    if (this.shared && list === "segments") return this.#changePart(this.#fit(values), id);
    const marks = this.get(list).map((mark) => (mark.id === id ? this.#fit({ ...mark, ...values }) : mark));
    this.commit({ [list]: marks });
  }
  add(list, values) {
    const kind = list === "points" ? "point" : "segment";
    const id = `${kind[0]}-${Math.random().toString(36).slice(2, 9)}`;
    const mark = this.#fit({ id, label: "", kind, editable: true, metadata: {}, ...values });
    const isPart = this.shared && list === "segments";
    this.commit({ [list]: isPart ? withNew(this.get(list), mark) : [...this.get(list), mark] });
    this.choose(list, id);
  }
  #changePart(values, id) {
    this.commit({ segments: changed(this.get("segments"), id, values, this.info.duration) });
  }
  /** Move a boundary of parts. */
  move(boundary, time) {
    this.commit({ segments: moved(this.get("segments"), boundary, round(time), this.info.duration) });
  }
  /** Draw a boundary where the pointer is; the model is told when it is let go. */
  preview({ left, right }, time) {
    if (left !== null) this.#drawnMark("segments", left)?.update({ endTime: time });
    if (right !== null) this.#drawnMark("segments", right)?.update({ startTime: time });
  }
  removeChosen() {
    const mark = this.chosenMark;
    if (!mark?.editable) return;
    const { list, id } = this.chosen;
    this.commit({ [list]: this.get(list).filter((other) => other.id !== id) });
    this.choose(null);
  }
  /** Move the chosen mark, or only a segment's end. */
  nudge(seconds, endOnly) {
    const mark = this.chosenMark;
    if (!mark?.editable) return;
    if (this.chosen.list === "points") this.change("points", mark.id, { time: mark.time + seconds });
    else {
      const start = endOnly ? mark.start : mark.start + seconds;
      this.change("segments", mark.id, { start, stop: mark.stop + seconds });
    }
  }
  /** Select a passage; while it is being dragged, Python needn't know yet. */
  select(selection, done = true) {
    const range = selection && [round(Math.min(...selection)), round(Math.max(...selection))];
    this.model.set("selection", range);
    if (done) this.model.save_changes();
    this.draw();
  }

  // --- the chosen mark --------------------------------------------------------------------------
  choose(list, id) {
    if (id === SELECTION) return;
    this.chosen = list && { list, id };
    this.draw();
  }
  /** The mark after (or before) the chosen one, in order of time. */
  step(direction) {
    const all = ["points", "segments"].flatMap((list) =>
      this.get(list).map((mark) => ({ list, id: mark.id, at: mark.time ?? mark.start })),
    );
    if (!all.length) return null;
    all.sort((a, b) => a.at - b.at);
    const now = all.findIndex((m) => m.list === this.chosen?.list && m.id === this.chosen?.id);
    const next = all[now < 0 ? (direction > 0 ? 0 : all.length - 1) : (now + direction + all.length) % all.length];
    this.choose(next.list, next.id);
    return next.at;
  }

  // --- drawing ----------------------------------------------------------------------------------
  draw() {
    if (this.chosen && !this.chosenMark) this.chosen = null;
    this.#drawList("points", this.get("points"), (mark) => ({ time: mark.time }));
    const selection = this.selection;
    const passage = selection && { id: SELECTION, start: selection[0], stop: selection[1], label: "", kind: "", editable: true };
    const segments = passage ? [passage, ...this.get("segments")] : this.get("segments");
    this.#drawList("segments", segments, (mark) => ({ startTime: mark.start, endTime: mark.stop }));
    this.onChange();
  }

  #drawList(list, marks, times) {
    const drawn = this.drawn[list];
    const wanted = new Set(marks.map((mark) => mark.id));
    for (const id of [...drawn.keys()]) {
      if (!wanted.has(id)) this.#erase(list, id);
    }
    for (const mark of marks) {
      const options = this.#options(mark, times(mark));
      const before = drawn.get(mark.id);
      const anew = before && before.editable !== options.editable; // handles can't be added later
      if (anew) this.#erase(list, mark.id);
      if (!before || anew) this.peaks[list].add(options);
      else if (!same(before, options) || !this.#inPlace(list, mark)) this.#drawnMark(list, mark.id).update(changeable(options));
      drawn.set(mark.id, options);
    }
  }

  #options(mark, times) {
    const color = mark.id === SELECTION ? "#7f8c99" : this.info.colours[mark.kind] ?? "#0072b2";
    return { id: mark.id, ...times, labelText: mark.label, editable: mark.editable, color, borderColor: color };
  }

  /** Whether a mark stands where the model says; a drag moves it before the model knows. */
  #inPlace(list, mark) {
    const at = this.#drawnMark(list, mark.id);
    return at && (list === "points" ? at.time === mark.time : at.startTime === mark.start && at.endTime === mark.stop);
  }

  #drawnMark(list, id) {
    return list === "points" ? this.peaks.points.getPoint(id) : this.peaks.segments.getSegment(id);
  }

  #erase(list, id) {
    this.peaks[list].removeById(id);
    this.drawn[list].delete(id);
  }

  #dragged(segment) {
    if (segment.id === SELECTION) this.select([segment.startTime, segment.endTime].map((t) => this.#clamp(t)));
    else this.change("segments", segment.id, { start: segment.startTime, stop: segment.endTime });
  }

  #fit(mark) {
    const fitted = { ...mark };
    for (const key of ["time", "start", "stop"]) {
      if (key in mark) fitted[key] = round(this.#clamp(mark[key]));
    }
    if (fitted.stop < fitted.start) [fitted.start, fitted.stop] = [fitted.stop, fitted.start];
    return fitted;
  }

  #clamp(time) {
    return Math.min(Math.max(time, 0), this.info.duration);
  }

  #travel(from, to) {
    to.push({ points: this.get("points"), segments: this.get("segments") });
    this.#set(from.pop());
  }

  #set(changes) {
    for (const [list, marks] of Object.entries(changes)) this.model.set(list, marks);
    this.model.save_changes();
    this.draw();
  }
}
