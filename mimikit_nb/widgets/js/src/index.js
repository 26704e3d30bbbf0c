// The waveform player: puts the parts together and keeps them in step with the model.

import Peaks from "peaks.js";
import WaveformData from "waveform-data";
import { Boundaries } from "./boundaries.js";
import { Inspector } from "./inspector.js";
import { listen } from "./keys.js";
import { Labels } from "./labels.js";
import { Lane } from "./lane.js";
import { build, clock, describe, icon, showTip } from "./layout.js";
import { pointMarkers } from "./markers.js";
import { Marks } from "./marks.js";
import { Media } from "./media.js";
import { Meter } from "./meter.js";
import { Selecting } from "./selecting.js";
import { Spectrogram } from "./spectrogram.js";
import css from "./style.css";
import { asker } from "./talk.js";
import { nearby, sized } from "./waiting.js";

const SYNC_MS = 200; // between two messages on where the playhead is
const ZOOM_STEP = 2;

class View {
  constructor(model, el) {
    this.model = model;
    this.info = model.get("_info");
    this.talk = asker(model);
    this.parts = build(this.info, css);
    this.root = this.parts.root;
    el.append(this.root);
    this.media = new Media(this.info.duration, this.talk.ask, this.info.url);
    this.root.append(this.media.element);
    this.media.onFrame = (time) => this.#follow(time);
    this.media.onError = (error) => this.#say(error.message);
    this.flags = new Map(); // of points in the zoom view, by id
    this.lastSync = 0;
    this.gone = false;
    this.asleep = new Promise((wake) => (this.wake = wake));
    this.watched = [["msg:custom", (message) => message.type === "play" && this.#playWhenReady(message)]];
    this.model.on(...this.watched[0]);
    this.ready = this.#start();
  }

  /** Begin when the player comes near the visible part of the page, or is asked to play. */
  async #start() {
    const { find } = this.parts;
    await sized(find(".zoom"));
    await Promise.race([nearby(this.root), this.asleep]);
    if (this.gone) return;
    this.#say("Reading the sound …");
    await this.#loadWaveform(this.#levelFor(this.#fitScale()));
    if (this.gone) return;
    this.peaks = await this.#initPeaks();
    if (this.gone) return void this.peaks.destroy();
    this.zoomview = this.peaks.views.getView("zoomview");
    this.#showWaveform();
    this.zoomview.enableSegmentDragging(true);
    this.zoomview.setWheelMode("scroll");
    this.lane = new Lane(this.parts, this.info, (time) => this.media.seek(time));
    this.meter = new Meter(find(".meter"), find(".clip"), this.info.channels);
    this.spectrogram = new Spectrogram(find(".spectrogram"), this.info.duration, this.talk.ask, (work) => this.#tell(work));
    this.inspector = new Inspector(this.parts, this);
    this.marks = new Marks(this.model, this.peaks, this.info, () => this.#marksChanged());
    this.boundaries = new Boundaries(find(".zoom"), find(".rules"), this);
    this.selecting = new Selecting(find(".zoom"), this);
    this.labels = new Labels(find(".rules"), this.marks, this.peaks, this.flags);
    this.marks.draw();
    this.#historyChanged();
    this.#connect();
    this.#showSpectrogram(this.info.spectrogram);
    this.#zoomed();
    this.#say("");
    this.root.dataset.ready = "true";
    this.#tell(this.talk.ask("meter").then((answer) => this.meter.load(answer)));
  }

  destroy() {
    this.gone = true;
    this.wake();
    this.resized?.disconnect();
    for (const [event, handler] of this.watched) this.model.off(event, handler);
    this.spectrogram?.show(false);
    this.talk.close();
    this.peaks?.destroy();
    if (!this.peaks) this.media.destroy();
  }

  // --- what buttons and keys do -----------------------------------------------------------------
  toggle() {
    if (this.media.isPlaying()) return this.media.pause();
    const passage = this.model.get("loop") && this.#passage();
    const now = this.media.getCurrentTime();
    if (passage) {
      const inside = now >= passage[0] && now < passage[1];
      return this.media.playRegion(...passage, true, inside ? now : passage[0]);
    }
    this.media.region = null;
    if (now >= this.info.duration - 0.01) this.media.seek(0);
    return this.media.play();
  }
  playPassage(start, stop) {
    if (stop !== null) return this.media.playRegion(start, stop, this.model.get("loop"));
    this.media.region = null;
    this.media.seek(start);
    return this.media.play();
  }
  setLoop(loop) {
    this.#set({ loop });
  }
  move(steps) {
    this.media.region = null;
    this.media.seek(this.media.getCurrentTime() + steps * this.#stepSeconds());
  }
  nudge(direction, endOnly) {
    this.marks.nudge(direction * this.#stepSeconds() * 0.2, endOnly);
  }
  step(direction) {
    const time = this.marks.step(direction);
    if (time !== null) this.#reveal(time);
  }
  addPoint() {
    if (this.marks.shared) return;
    this.marks.add("points", { time: this.media.getCurrentTime() });
  }
  addSegment() {
    const now = this.media.getCurrentTime();
    const [start, stop] = this.marks.selection ?? [now, Math.min(now + 1, this.info.duration)];
    if (this.marks.selection) this.marks.select(null);
    this.marks.add("segments", { start, stop });
  }
  letGo() {
    if (this.marks.chosen) this.marks.choose(null);
    else if (this.marks.selection) this.marks.select(null);
    this.parts.find(".tip").hidden = true;
  }
  fit() {
    this.#tell(this.#zoomTo(this.#fitScale()));
  }
  zoomBy(direction, time = null, x = 0) {
    this.#tell(this.#zoomTo(this.scale * (direction > 0 ? ZOOM_STEP : 1 / ZOOM_STEP), time, x));
  }
  get range() {
    return [this.zoomview.getStartTime(), this.zoomview.getEndTime()];
  }

  // --- waveform and zoom ------------------------------------------------------------------------
  #width() {
    return this.parts.find(".zoom").clientWidth;
  }
  #fitScale() {
    return Math.max(1, Math.ceil(this.info.samples / this.#width()));
  }
  /** The coarsest level that is fine enough for a scale (in samples per pixel). */
  #levelFor(scale) {
    return this.info.levels.filter((level) => level <= scale).at(-1) ?? this.info.levels[0];
  }
  async #loadWaveform(level) {
    const answer = await this.talk.ask("waveform", { samples_per_bin: level });
    this.waveform = WaveformData.create(answer.buffers[0].buffer);
  }
  #showWaveform() {
    for (const name of ["zoomview", "overview"]) this.peaks.views.getView(name).setWaveformData(this.waveform);
    this.scale = Math.max(this.#fitScale(), this.waveform.scale);
    this.zoomview.setZoom({ scale: this.scale });
  }
  /** Zoom to a scale, and put a time at a pixel; a finer level is fetched when it is needed. */
  async #zoomTo(wanted, time = null, x = 0) {
    this.scale = Math.round(Math.min(Math.max(wanted, this.info.levels[0]), this.#fitScale()));
    const level = this.#levelFor(this.scale);
    if (level < this.waveform.scale) {
      this.fetching ??= this.#loadWaveform(level).finally(() => (this.fetching = null));
      await this.fetching;
      for (const name of ["zoomview", "overview"]) this.peaks.views.getView(name).setWaveformData(this.waveform);
    }
    this.zoomview.setZoom({ scale: Math.max(this.scale, this.waveform.scale) });
    if (time !== null) this.zoomview.setStartTime(time - (x * this.scale) / this.info.sample_rate);
  }

  /** peaks.js takes one or two channels at its start, and any number afterwards. */
  #initPeaks() {
    const { find } = this.parts;
    const text = getComputedStyle(this.root).color;
    const quiet = { axisLabelColor: text, axisGridlineColor: "rgba(128,128,128,0.35)", fontSize: 10 };
    const options = {
      zoomview: {
        ...quiet,
        container: find(".zoom"),
        waveformColor: "#6d8cab",
        playheadColor: "transparent",
        segmentOptions: { overlayOffset: 0 },
      },
      overview: {
        ...quiet,
        container: find(".overview"),
        waveformColor: "#9db3c6",
        playheadColor: "#e4007f",
        showAxisLabels: false,
        highlightOffset: 0,
        highlightColor: "#0072b2",
        highlightOpacity: 0.16,
        segmentOptions: { overlayOffset: 3 },
      },
      segmentOptions: {
        overlay: true,
        markers: false,
        overlayOpacity: 0.3,
        overlayBorderWidth: "undo" in (this.model.get("history") ?? {}) ? 0 : 2, // boundaries.js draws them
        overlayCornerRadius: 1,
        overlayLabelColor: "transparent",
      },
      player: this.media,
      waveformData: { arraybuffer: firstChannels(this.waveform) },
      zoomLevels: [Math.max(this.#fitScale(), this.waveform.scale)],
      keyboard: false,
      createPointMarker: pointMarkers(this.flags),
      createSegmentLabel: () => null, // labels.js writes them
    };
    return new Promise((resolve, reject) => {
      Peaks.init(options, (error, peaks) => (error ? reject(error) : resolve(peaks)));
    });
  }

  // --- connections ------------------------------------------------------------------------------
  #connect() {
    const { find } = this.parts;
    const acts = {
      play: () => this.toggle(),
      loop: () => this.setLoop(!this.model.get("loop")),
      out: () => this.zoomBy(1),
      in: () => this.zoomBy(-1),
      fit: () => this.fit(),
      spectrogram: () => this.#showSpectrogram(!this.spectrogram.shown),
      point: () => this.addPoint(),
      segment: () => this.addSegment(),
      undo: () => this.marks.undo(),
      redo: () => this.marks.redo(),
      help: () => (find(".help").hidden = !find(".help").hidden),
    };
    for (const [name, act] of Object.entries(acts)) this.#button(name).addEventListener("click", act);
    listen(this.root, this);
    this.peaks.on("zoomview.update", () => this.#zoomed());
    this.peaks.on("player.playing", () => this.#playingChanged(true));
    this.peaks.on("player.pause", () => this.#playingChanged(false));
    this.peaks.on("segments.dblclick", () => this.inspector.focusLabel());
    this.#connectTips();
    this.#connectModel();
    this.resized = new ResizeObserver(() => requestAnimationFrame(() => this.#fitToContainer()));
    this.resized.observe(find(".stack"));
  }

  #connectTips() {
    const tip = this.parts.find(".tip");
    for (const [list, name] of [["points", "point"], ["segments", "segment"]]) {
      this.peaks.on(`${list}.mouseenter`, (event) => {
        const mark = this.marks.find(list, event[name].id);
        if (mark) showTip(tip, this.root, describe(mark), event.evt.clientX, event.evt.clientY);
      });
      this.peaks.on(`${list}.mouseleave`, () => (tip.hidden = true));
    }
  }

  #connectModel() {
    const watch = {
      points: () => this.marks.draw(),
      segments: () => this.marks.draw(),
      selection: () => this.marks.draw(),
      loop: () => this.#loopChanged(),
      history: () => this.#historyChanged(),
      time: () => {
        const time = this.model.get("time");
        const ours = time === this.syncedTime || this.media.isPlaying() && Math.abs(time - this.media.getCurrentTime()) < 1;
        if (!ours) this.media.seek(time);
      },
      playing: () => {
        if (this.model.get("playing") !== this.media.isPlaying()) this.toggle();
      },
    };
    for (const [name, handler] of Object.entries(watch)) {
      this.watched.push([`change:${name}`, handler]);
      this.model.on(`change:${name}`, handler);
    }
    this.#loopChanged();
    if (this.model.get("time")) this.media.seek(this.model.get("time"));
  }

  async #playWhenReady({ start, stop }) {
    this.wake();
    await this.ready;
    this.playPassage(start ?? this.media.getCurrentTime(), stop);
  }

  // --- keeping in step --------------------------------------------------------------------------
  #follow(time) {
    this.parts.find(".now").textContent = clock(time);
    this.lane?.follow(time);
    this.meter?.draw(time, this.media.isPlaying());
    const now = performance.now();
    if (this.media.isPlaying() && now - this.lastSync < SYNC_MS) return;
    this.lastSync = now;
    this.syncedTime = +time.toFixed(4);
    if (this.syncedTime !== this.model.get("time")) this.#set({ time: this.syncedTime });
  }

  #playingChanged(playing) {
    const button = this.#button("play");
    button.innerHTML = icon(playing ? "pause" : "play");
    button.setAttribute("aria-label", playing ? "Pause" : "Play");
    button.title = playing ? "Pause" : "Play";
    this.#set({ playing });
    if (playing) this.#say("");
  }

  #loopChanged() {
    const loop = this.model.get("loop");
    this.#button("loop").setAttribute("aria-pressed", loop);
    if (this.media.region) this.media.region.loop = loop;
    else if (loop && this.media.isPlaying()) {
      const [start, stop] = this.#passage();
      this.media.region = { start, stop, loop };
    }
  }

  #marksChanged() {
    this.inspector.update();
    this.labels.update();
    this.boundaries.draw();
    this.#button("undo").disabled = !this.marks.canUndo;
    this.#button("redo").disabled = !this.marks.canRedo;
  }

  #historyChanged() {
    const { shared } = this.marks;
    this.#button("point").hidden = Boolean(shared); // a point is no part
    this.zoomview.setSegmentDragMode(shared ? "no-overlap" : "overlap");
    this.#marksChanged();
  }

  #zoomed() {
    const [start, stop] = this.range;
    this.lane.update(start, stop);
    this.labels.update(start, stop);
    this.boundaries.draw();
    this.spectrogram.update(start, stop);
    this.model.set("range", [start, stop]); // for views beside this one
    this.#button("in").disabled = this.scale <= this.info.levels[0];
    this.#button("out").disabled = this.scale >= this.#fitScale();
  }

  #showSpectrogram(shown) {
    this.spectrogram.show(shown);
    this.#button("spectrogram").setAttribute("aria-pressed", shown);
  }

  #fitToContainer() {
    if (this.gone || !this.#width()) return;
    const all = this.range[1] - this.range[0] >= 0.9 * this.info.duration;
    for (const name of ["zoomview", "overview"]) this.peaks.views.getView(name).fitToContainer();
    if (all) this.fit();
    this.#zoomed();
  }

  /** The passage that a loop plays: the chosen segment, the selection, or everything. */
  #passage() {
    const mark = this.marks.chosenMark;
    if (mark && "start" in mark) return [mark.start, mark.stop];
    return this.marks.selection ?? [0, this.info.duration];
  }
  #reveal(time) {
    const [start, stop] = this.range;
    if (time < start || time > stop) this.zoomview.setStartTime(time - 0.1 * (stop - start));
  }
  #stepSeconds() {
    const [start, stop] = this.range;
    return (stop - start) / 100;
  }
  #button(name) {
    return this.parts.find(`[data-do=${name}]`);
  }
  #set(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }
  /** Say it if something that was begun fails. */
  #tell(promise) {
    promise.catch((error) => this.#say(error.message));
  }
  #say(text) {
    this.parts.find(".status").textContent = text;
  }
}

/** The first two channels of waveform data, as peaks.js wants to begin with. */
function firstChannels(waveform) {
  const all = new Uint8Array(waveform.toArrayBuffer());
  if (waveform.channels <= 2) return all.buffer;
  const made = new Uint8Array(24 + waveform.length * 4);
  made.set(all.subarray(0, 24));
  new DataView(made.buffer).setInt32(20, 2, true);
  for (let bin = 0; bin < waveform.length; bin++) {
    const from = 24 + bin * waveform.channels * 2;
    made.set(all.subarray(from, from + 4), 24 + bin * 4);
  }
  return made.buffer;
}

export function render({ model, el }) {
  const view = new View(model, el);
  view.ready.catch((error) => {
    view.parts.find(".status").textContent = error.message;
  });
  return () => view.destroy();
}

export default { render };
