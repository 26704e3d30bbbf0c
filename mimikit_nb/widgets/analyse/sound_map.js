// A map of sounds: like ones lie near each other. Hover or click plays, a drag draws a lasso.
const HEIGHT = 420, MARGIN = 16, REACH = 14, TIP_ROOM = 170;

function render({ model, el }) {
  el.innerHTML = `<style>
    .mnb-map {position: relative; max-width: 100%; outline-offset: 2px}
    .mnb-map canvas {display: block; width: 100%; height: ${HEIGHT}px; cursor: crosshair;
      border: 1px solid #8885; border-radius: 4px; touch-action: none; box-sizing: border-box}
    .mnb-map .tip {position: absolute; pointer-events: none; background: #222d; color: white;
      font: 12px sans-serif; padding: 2px 6px; border-radius: 3px; white-space: nowrap}
  </style>`;
  const root = document.createElement("div");
  root.className = "mnb-map";
  root.tabIndex = 0;
  root.setAttribute("role", "application");
  root.setAttribute("aria-label", "Map of the segments: arrow keys go from one to the next, Enter plays, space selects");
  root.dataset.lmSuppressShortcuts = "true";
  const canvas = document.createElement("canvas");
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  root.append(canvas, tip);
  el.append(root);

  let points, lasso = null, near = -1, pressed = null;
  const labels = () => model.get("labels");
  const selected = () => new Set(model.get("selection"));
  const side = () => Math.min(canvas.clientWidth, HEIGHT) - 2 * MARGIN;
  const wide = () => canvas.clientWidth - 2 * MARGIN; // the map may be wider than high
  const place = (i) => [
    MARGIN + ((points[2 * i] + 1) / 2) * wide(),
    MARGIN + ((1 - points[2 * i + 1]) / 2) * (HEIGHT - 2 * MARGIN),
  ];
  const count = () => points.length / 2;
  const read = () => {
    points = numbersOf(model.get("points"));
    draw();
  };
  const colour = (i) => {
    const label = labels()[i] ?? -1;
    const palette = model.get("palette");
    return label < 0 ? "#999999" : palette[label % palette.length];
  };
  function draw() {
    const c = sharp(canvas, HEIGHT);
    const radius = Math.max(2.5, Math.min(7, side() / 12 / Math.sqrt(Math.max(count(), 1)) * 2));
    const chosen = selected();
    const ink = getComputedStyle(root).color;
    for (let i = 0; i < count(); i++) {
      const [x, y] = place(i);
      c.beginPath();
      c.arc(x, y, i === near ? radius + 3 : radius, 0, 7);
      c.fillStyle = colour(i);
      c.globalAlpha = chosen.size && !chosen.has(i) ? 0.35 : 0.9;
      c.fill();
      c.globalAlpha = 1;
      if (chosen.has(i) || i === near) {
        c.lineWidth = i === near ? 2 : 1.5;
        c.strokeStyle = ink;
        c.stroke();
      }
    }
    if (lasso) {
      c.strokeStyle = "#0072b2";
      c.fillStyle = "#0072b222";
      c.lineWidth = 1.5;
      c.setLineDash([5, 4]);
      c.beginPath();
      lasso.forEach(([x, y]) => c.lineTo(x, y));
      c.closePath();
      c.fill();
      c.stroke();
    }
  }
  const nearest = ([x, y]) => {
    let best = -1, least = REACH ** 2;
    for (let i = 0; i < count(); i++) {
      const [a, b] = place(i);
      const distance = (a - x) ** 2 + (b - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  };
  const inside = ([x, y], polygon) => {
    let is = false;
    for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
      const [[a, b], [c, d]] = [polygon[i], polygon[j]];
      if (b > y !== d > y && x < ((c - a) * (y - b)) / (d - b) + a) is = !is;
    }
    return is;
  };
  const select = (indices) => {
    model.set("selection", indices);
    model.save_changes();
    draw();
  };
  const play = (i) => i >= 0 && model.send({ type: "play", index: i });
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const look = (i) => {
    if (i === near) return;
    near = i;
    tip.hidden = i < 0;
    if (i >= 0) {
      const [x, y] = place(i);
      tip.textContent = model.get("titles")[i] ?? `${i + 1}`;
      tip.style.left = `${Math.min(x + 10, canvas.clientWidth - TIP_ROOM)}px`;
      tip.style.top = `${Math.max(y - 28, 2)}px`;
    }
    draw();
  };
  const togglePoint = (i) => {
    const chosen = selected();
    if (!chosen.delete(i)) chosen.add(i);
    select([...chosen].sort((a, b) => a - b));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    root.focus({ preventScroll: true });
    pressed = point(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    const now = point(event);
    if (pressed && !lasso && Math.hypot(now[0] - pressed[0], now[1] - pressed[1]) > 5) lasso = [pressed];
    if (lasso) {
      lasso.push(now);
      return draw();
    }
    const before = near;
    look(nearest(now));
    if (near !== before && model.get("hover_plays")) play(near);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (lasso) {
      const polygon = lasso;
      lasso = null;
      const found = [...Array(count()).keys()].filter((i) => inside(place(i), polygon));
      select(event.shiftKey ? [...new Set([...selected(), ...found])].sort((a, b) => a - b) : found);
    } else if (pressed) {
      const i = nearest(pressed);
      if (i < 0) select([]);
      else if (event.shiftKey) togglePoint(i);
      else play(i);
    }
    pressed = null;
  });
  canvas.addEventListener("pointerleave", () => look(-1));
  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key in steps && count()) {
      look((near + steps[event.key] + count()) % count());
      if (model.get("hover_plays")) play(near);
    } else if (event.key === "Enter") play(near);
    else if (event.key === " " && near >= 0) togglePoint(near);
    else if (event.key === "Escape") select([]);
    else return;
    event.preventDefault();
  });
  const acts = { points: read, labels: () => draw(), palette: () => draw(), selection: () => draw() };
  read();
  return watching(model, canvas, acts, () => draw());
}

export default { render };
