// Sound that comes from Python block by block while it is heard. Play and Stop act here, at once;
// Python is told, and hears every now and then how much still waits.
const RING_SECONDS = 40, STOP_MS = 80, WAKE_MS = 500, FACTS_MS = 200, PROCESSOR = "mimikit-nb-live";
const engines = (window.mimikitNbLive ??= new Set()); // for those who want to record what is heard
const players = (window.mimikitNbPlayers ??= new Set()); // one sound at a time in a page
const made = new WeakMap(); // an engine per model, however many views show it

class Engine {
  constructor(model) {
    this.model = model;
    this.views = new Set();
    this.run = null; // what Python plays for us; null: nothing
    this.press = 0; // counts presses of Play
    this.asked = false; // whether the last one waits for Python
    this.facts = null;
    this.told = 0;
    this.problem = "";
    this.queue = Promise.resolve();
    this.onMessage = (message, buffers) => {
      this.queue = this.queue.then(() => this.obey(message, buffers));
    };
    this.onVolume = () => this.setVolume();
    model.on("msg:custom", this.onMessage);
    model.on("change:volume", this.onVolume);
    engines.add(this);
    players.add(this);
  }

  /** Press Play: a browser lets sound begin only while a hand presses something. */
  async play() {
    const press = ++this.press;
    this.asked = true;
    this.problem = "";
    this.show();
    try {
      await this.open();
      for (const other of players) if (other !== this) other.pause();
      if (this.asked && press === this.press) this.model.send({ type: "play", press });
    } catch (error) {
      this.asked = false;
      this.problem = `The browser can't play this: ${error.message}`;
    }
    this.show();
  }

  stop() {
    const { run } = this;
    this.silence();
    this.model.send({ type: "stop", run });
  }

  pause() {
    if (this.run !== null || this.asked) this.stop();
  }

  silence() {
    this.run = null;
    this.asked = false;
    this.facts = null;
    this.order({ type: "stop" });
    if (this.context) {
      this.output.gain.setTargetAtTime(0, this.context.currentTime, 0.005);
      clearTimeout(this.sleep);
      this.sleep = setTimeout(() => this.context.suspend(), STOP_MS);
    }
    this.show();
  }

  async open() {
    this.opened ??= this.make().catch((error) => {
      this.opened = null;
      throw error;
    });
    clearTimeout(this.sleep);
    const resumed = this.context?.resume(); // while the hand still presses
    await this.opened;
    await Promise.race([resumed, new Promise((done) => setTimeout(done, WAKE_MS))]);
  }

  async make() {
    const [sampleRate, channels] = [this.model.get("sample_rate"), this.model.get("n_channels")];
    this.context = new AudioContext({ sampleRate, latencyHint: "interactive" });
    this.output = new GainNode(this.context, { gain: 0 });
    this.output.connect(this.context.destination);
    const url = URL.createObjectURL(new Blob([RING], { type: "text/javascript" }));
    try {
      if (this.context.audioWorklet) await this.useWorklet(url, channels);
      else await this.useScript(url, channels, sampleRate); // pages over plain http have no worklets
    } finally {
      URL.revokeObjectURL(url);
    }
    this.node.connect(this.output);
  }

  async useWorklet(url, channels) {
    await this.context.audioWorklet.addModule(url);
    const node = new AudioWorkletNode(this.context, PROCESSOR, {
      numberOfInputs: 0,
      outputChannelCount: [channels],
      processorOptions: { channels, seconds: RING_SECONDS },
    });
    node.port.onmessage = ({ data }) => this.hear(data);
    this.order = (what) => node.port.postMessage(what, what.samples ? [what.samples.buffer] : []);
    this.node = node;
  }

  async useScript(url, channels, rate) {
    const { Ring, Teller } = await import(url);
    const ring = new Ring(channels, rate, RING_SECONDS), teller = new Teller(rate);
    this.node = this.context.createScriptProcessor(1024, 0, channels);
    this.node.onaudioprocess = ({ outputBuffer: out }) => {
      ring.read(Array.from({ length: channels }, (_, c) => out.getChannelData(c)));
      if (teller.isDue(ring, out.length)) this.hear(ring.report());
    };
    this.order = (what) => ring.obey(what);
  }

  order() {}

  async obey(message, buffers) {
    if (message.type === "begin") {
      if (message.press && !(this.asked && message.press === this.press)) return; // Stop came first
      this.run = message.run;
      this.asked = false;
      await this.open().catch((error) => { this.problem = error.message; });
      this.order({ type: "begin", threshold: message.threshold });
      this.setVolume();
      this.show();
      return;
    }
    if (message.type === "stop") return this.silence();
    if (message.run !== this.run) return; // of a sound that was stopped
    if (message.type === "block") this.order({ type: "block", samples: numbers(buffers[0]) });
    else this.order(message);
  }

  /** What the ring reports, twenty times a second; Python hears less often. */
  hear(facts) {
    if (this.run === null) return;
    const now = performance.now(), before = this.facts;
    const isNews = ["sounding", "starts", "underruns", "done"].some((k) => before?.[k] !== facts[k]);
    this.facts = facts;
    if (isNews || now - this.told >= 1000 * this.model.get("report_seconds")) {
      this.told = now;
      this.model.send({ type: "report", run: this.run, ...facts });
    }
    if (facts.done) this.silence();
    this.show();
  }

  setVolume() {
    if (this.context && this.run !== null)
      this.output.gain.setTargetAtTime(this.model.get("volume"), this.context.currentTime, 0.01);
  }

  show() {
    for (const view of this.views) view();
  }

  leave(view) {
    this.views.delete(view);
    if (this.views.size) return;
    this.pause();
    engines.delete(this);
    players.delete(this);
    made.delete(this.model);
    this.model.off("msg:custom", this.onMessage);
    this.model.off("change:volume", this.onVolume);
    setTimeout(() => this.context?.close(), 2 * STOP_MS);
  }

  get words() {
    if (this.problem) return ["failed", this.problem];
    const rate = this.model.get("sample_rate"), facts = this.facts;
    if (this.run === null) return [this.asked ? "waiting for Python" : "stopped", ""];
    if (this.context?.state !== "running") return ["silent", "the browser wants a press on Play first"];
    if (!facts) return ["buffering", ""];
    const ahead = `${(facts.filled / rate).toFixed(2)} s`;
    const gaps = facts.underruns === 1 ? "1 underrun" : `${facts.underruns} underruns`;
    if (facts.sounding) return ["playing", `${ahead} ahead · ${gaps}`];
    return ["buffering", `${ahead} of ${(facts.threshold / rate).toFixed(2)} s · ${gaps}`];
  }
}

/** A buffer of a message (a DataView, or an ArrayBuffer on some hosts) as numbers of its own. */
function numbers(buffer) {
  if (buffer instanceof ArrayBuffer) return new Float32Array(buffer);
  return new Float32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength));
}

function add(parent, tag, traits = {}, attributes = {}) {
  const element = Object.assign(document.createElement(tag), traits);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

function render({ model, el }) {
  if (!made.has(model)) made.set(model, new Engine(model));
  const engine = made.get(model);
  const root = add(el, "div", { className: "mnb-live" }, { role: "group", "aria-label": model.get("title") });
  root.dataset.lmSuppressShortcuts = "true";
  add(root, "style", { textContent: STYLE });
  const play = add(root, "button", { type: "button", textContent: "▶ Play" }, { "aria-label": "Play" });
  const stop = add(root, "button", { type: "button", textContent: "■ Stop" }, { "aria-label": "Stop" });
  const label = add(root, "label", { textContent: "volume" });
  const volume = add(label, "input", { type: "range", min: 0, max: 1, step: 0.01 }, { "aria-label": "Volume" });
  volume.title = "How loud it is here; what is kept doesn't change.";
  const meter = add(root, "span", { className: "meter" }, { role: "img", "aria-label": "Level" });
  const bar = add(meter, "i");
  const state = add(root, "b", {}, { role: "status" });
  const facts = add(root, "span", { className: "facts" });
  const note = add(root, "div", { className: "note" }, { role: "status" });

  let told = 0;
  const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const show = () => {
    const [word, more] = engine.words;
    const db = 20 * Math.log10((engine.facts?.peak ?? 0) * volume.value + 1e-6);
    const isNews = state.textContent !== word;
    set(state, word);
    if (isNews || performance.now() - told > FACTS_MS) {
      told = performance.now();
      set(facts, more);
    }
    set(note, model.get("message"));
    root.dataset.state = word.split(" ")[0];
    bar.style.transform = `scaleX(${Math.max(0, 1 + db / 60).toFixed(3)})`; // no new layout of the page
    bar.style.background = db > -0.1 ? "#c62828" : db > -6 ? "#e69f00" : "#009e73";
    play.disabled = engine.asked || (engine.run !== null && engine.context?.state === "running");
    stop.disabled = engine.run === null && !engine.asked;
  };
  const setVolume = () => { volume.value = model.get("volume"); };
  play.addEventListener("click", () => engine.play());
  stop.addEventListener("click", () => engine.stop());
  volume.addEventListener("input", () => {
    model.set("volume", volume.valueAsNumber);
    model.save_changes();
  });
  root.addEventListener("keydown", (event) => event.stopPropagation());
  model.on("change:message", show);
  model.on("change:volume", setVolume);
  engine.views.add(show);
  setVolume();
  show();
  return () => {
    model.off("change:message", show);
    model.off("change:volume", setVolume);
    engine.leave(show);
  };
}

const STYLE = `
.mnb-live {display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; padding: 6px 8px;
  border: 1px solid var(--jp-border-color2, #8886); border-radius: 6px; font-size: 13px;
  color: var(--jp-ui-font-color1, CanvasText); background: var(--jp-layout-color1, Canvas)}
.mnb-live button {height: 28px; padding: 0 12px; font: inherit; font-weight: 600; cursor: pointer;
  color: inherit; background: transparent; border: 1px solid var(--jp-border-color1, #8888);
  border-radius: 4px}
.mnb-live button:focus-visible {outline: 2px solid #0072b2; outline-offset: 1px}
.mnb-live button:disabled {opacity: .4; cursor: default}
.mnb-live button[aria-label="Play"]:not(:disabled) {background: #117733; border-color: #117733; color: #fff}
.mnb-live button[aria-label="Stop"]:not(:disabled) {background: #c62828; border-color: #c62828; color: #fff}
.mnb-live label {display: inline-flex; gap: 6px; align-items: center; margin: 0}
.mnb-live input {width: 90px; margin: 0; accent-color: #0072b2}
.mnb-live .meter {width: 120px; height: 10px; border-radius: 3px; background: #8883; overflow: hidden; contain: strict}
.mnb-live .meter i {display: block; height: 100%; transform: scaleX(0); transform-origin: left}
.mnb-live b {min-width: 5.5em}
.mnb-live[data-state="playing"] b {color: #117733}
.mnb-live[data-state="buffering"] b {color: #b26a00}
.mnb-live[data-state="failed"] b {color: #c62828}
.mnb-live .facts {font-variant-numeric: tabular-nums; opacity: .85}
.mnb-live .note {flex-basis: 100%; font-size: 12px; opacity: .85; white-space: pre-line}
.mnb-live .note:empty {display: none}`;

export default { render };
