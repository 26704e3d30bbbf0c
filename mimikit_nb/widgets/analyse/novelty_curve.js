// A novelty curve with a threshold to drag: how many segments there would be is said at once, by
// the page itself; Python is told when the line is let go, and now and then while it moves.
// It shows the passage that the waveform shows, and asks Python for as fine a curve as that needs.
const HEIGHT = 130, TOP = 18, BOTTOM = 18, SYNC_MS = 250, ASK_MS = 120;
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800];

function render({ model, el }) {
  el.innerHTML = `<style>
    .mnb-novelty {position: relative; max-width: 100%; outline-offset: 2px; touch-action: none}
    .mnb-novelty canvas {display: block; width: 100%; height: ${HEIGHT}px; cursor: ns-resize}
    .mnb-novelty output {position: absolute; top: 0; right: ${RIGHT}px; font: 600 13px sans-serif;
      background: #fffc; color: #222; padding: 0 4px; border-radius: 3px; pointer-events: none}
  </style>`;
  const root = document.createElement("div");
  root.className = "mnb-novelty";
  root.tabIndex = 0;
  root.setAttribute("role", "slider");
  root.setAttribute("aria-label", "Threshold of novelty");
  root.dataset.lmSuppressShortcuts = "true";
  const canvas = document.createElement("canvas");
  const say = document.createElement("output");
  root.append(canvas, say);
  el.append(root);

  let data, high, low, held = null, told = 0, fine = null, asking = null;
  const read = () => {
    data = {
      curve: numbersOf(model.get("curve")),
      times: numbersOf(model.get("times")),
      salience: numbersOf(model.get("salience")),
    };
    // a few giants must not flatten all the rest
    const sorted = Float32Array.from(data.salience).sort();
    const quantile = (q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
    high = Math.max(1.15 * quantile(0.995), 1.4 * model.get("threshold"), 1e-9);
    low = 0;
    fine = null;
    zoomed();
  };
  const zoomed = () => {
    draw();
    const { start, stop } = timeLine(model, canvas);
    clearTimeout(asking);
    if (stop - start > 0.95 * model.get("duration")) return;
    asking = setTimeout(() => model.send({ ask: "curve", start, stop }), ASK_MS);
  };
  const answered = (message, buffers) => {
    fine = { start: message.start, stop: message.stop, curve: numbersOf(buffers[0]) };
    draw();
  };
  const threshold = () => held ?? model.get("threshold");
  // the square root lets small and large rises be told apart on one axis
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - Math.sqrt(Math.min(Math.max((value - low) / (high - low), 0), 1)));
  const valueAt = (place) => low + (high - low) * Math.min(Math.max(1 - (place - TOP) / (HEIGHT - TOP - BOTTOM), 0), 1) ** 2;
  const count = (level) => data.salience.reduce((n, s) => n + (s >= level), 0) + model.get("extra");

  function draw() {
    const c = sharp(canvas, HEIGHT);
    const ink = getComputedStyle(root).color;
    const { start, stop, width, x } = timeLine(model, canvas);
    const level = threshold(), base = HEIGHT - BOTTOM;
    c.save();
    c.beginPath();
    c.rect(LEFT - 1, 0, width + 2, HEIGHT);
    c.clip();
    const is_fine = fine && fine.start <= start + 1e-6 && fine.stop >= stop - 1e-6;
    const shown = is_fine ? fine : { start: 0, stop: model.get("duration"), curve: data.curve };
    const step_x = (shown.stop - shown.start) / Math.max(shown.curve.length, 1);
    c.fillStyle = "#5b708355";
    c.beginPath();
    c.moveTo(x(shown.start), base);
    shown.curve.forEach((v, i) => c.lineTo(x(shown.start + (i + 0.5) * step_x), y(v)));
    c.lineTo(x(shown.stop), base);
    c.fill();
    for (const above of [false, true]) {
      c.strokeStyle = above ? "#d55e00" : "#8884";
      c.lineWidth = above ? 1.5 : 1;
      c.beginPath();
      data.times.forEach((time, i) => {
        if (time < start || time > stop || data.salience[i] >= level !== above) return;
        c.moveTo(x(time), base);
        c.lineTo(x(time), y(data.salience[i]));
      });
      c.stroke();
    }
    c.restore();
    const by_hand = held === null && model.get("by_hand") >= 0;
    c.strokeStyle = "#0072b2";
    c.lineWidth = 2;
    c.setLineDash(by_hand ? [4, 6] : []);
    c.beginPath();
    c.moveTo(LEFT, y(level));
    c.lineTo(LEFT + width, y(level));
    c.stroke();
    c.setLineDash([]);
    c.fillStyle = "#0072b2";
    c.beginPath();
    c.arc(LEFT, y(level), 6, 0, 7);
    c.fill();
    c.font = "11px sans-serif";
    c.textAlign = "left";
    c.fillText(level.toPrecision(3), LEFT + 10, y(level) - 5);
    c.fillStyle = ink;
    c.textAlign = "left";
    c.fillText(`novelty: ${model.get("unit")}`, LEFT + 4, 11);
    c.textAlign = "center";
    const step = STEPS.find((s) => (stop - start) / s < 11) ?? 3600;
    for (let k = Math.ceil(start / step + 0.2); k * step < stop; k++) {
      c.fillText(+(k * step).toFixed(2), x(k * step), HEIGHT - 4);
    }
    c.textAlign = "left";
    c.fillText(`${+start.toFixed(2)} s`, LEFT, HEIGHT - 4);
    const picked = data.salience.length || model.get("extra") ? count(level) : 0;
    const n = by_hand ? model.get("by_hand") : picked;
    say.textContent = `${n} ${n === 1 ? "segment" : "segments"}${by_hand ? ", edited by hand" : ""}`;
    root.setAttribute("aria-valuenow", level.toPrecision(4));
    root.setAttribute("aria-valuetext", `${say.textContent} at ${level.toPrecision(3)}`);
  }
  const tell = (level) => {
    told = performance.now();
    model.set("threshold", level);
    model.save_changes();
  };
  const move = (event) => {
    held = valueAt(event.clientY - canvas.getBoundingClientRect().top);
    draw();
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    root.focus();
    move(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (held === null) return;
    move(event);
    if (data.salience.length < 2000 && performance.now() - told > SYNC_MS) tell(held);
  });
  const release = () => {
    if (held === null) return;
    const level = held;
    held = null;
    tell(level);
    draw();
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const factor = { ArrowUp: 1.05, ArrowDown: 1 / 1.05, PageUp: 1.3, PageDown: 1 / 1.3 }[event.key];
    if (!factor) return;
    event.preventDefault();
    tell(Math.min(Math.max(threshold() * factor, high * 1e-4), high));
    draw();
  });
  model.on("msg:custom", answered);
  const acts = { curve: read, times: read, salience: read, range: zoomed, by_hand: () => draw(), unit: () => draw(), threshold: () => draw() };
  read();
  const end = watching(model, canvas, acts, () => draw());
  return () => {
    end();
    clearTimeout(asking);
    model.off("msg:custom", answered);
  };
}

export default { render };
