// The levels of one analysis, a row each, coarse above fine: what lies within what. A click on a
// part selects it in the waveform and plays it; the row that is edited stands out.
const ROW = 20, GAP = 3, NAME_PX = 6;
const SHADES = ["#0072b2", "#56b4e9"], OTHER = ["#7f8c97", "#aab4bc"];

function render({ model, el }) {
  el.innerHTML = `<style>
    .mnb-levels {position: relative; max-width: 100%; outline-offset: 2px}
    .mnb-levels canvas {display: block; width: 100%; cursor: pointer}
    .mnb-levels .tip {position: absolute; pointer-events: none; background: #222d; color: white;
      font: 12px sans-serif; padding: 2px 6px; border-radius: 3px; white-space: nowrap; z-index: 5}
  </style>`;
  const root = document.createElement("div");
  root.className = "mnb-levels";
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Levels: arrow keys go from part to part and from level to level, Enter plays");
  root.dataset.lmSuppressShortcuts = "true";
  const canvas = document.createElement("canvas");
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  root.append(canvas, tip);
  el.append(root);

  let rows = [], near = null;
  const read = () => {
    const edges = numbersOf(model.get("edges"));
    let at = 0;
    rows = model.get("names").map((name, i) => {
      const n = model.get("counts")[i];
      const parts = Array.from({ length: n }, (_, k) => [edges[at + 2 * k], edges[at + 2 * k + 1]]);
      at += 2 * n;
      return { name, parts };
    });
    near = null;
    draw();
  };
  const height = () => Math.max(rows.length * (ROW + GAP), 1);
  const top = (row) => row * (ROW + GAP);

  function draw() {
    canvas.style.height = `${height()}px`;
    const c = sharp(canvas, height());
    const { start, stop, width, x } = timeLine(model, canvas);
    c.font = "11px sans-serif";
    c.textBaseline = "middle";
    rows.forEach(({ parts }, row) => {
      const shades = row === model.get("current") ? SHADES : OTHER;
      parts.forEach(([from, to], i) => {
        if (to < start || from > stop) return;
        const left = Math.max(x(from), LEFT), right = Math.min(x(to), LEFT + width);
        const is_near = near && near.row === row && near.i === i;
        c.fillStyle = shades[i % 2];
        c.globalAlpha = is_near ? 1 : 0.7;
        c.fillRect(left, top(row), Math.max(right - left - 0.5, 0.5), ROW);
        c.globalAlpha = 1;
        if (right - left < NAME_PX * (`${i + 1}`.length + 1)) return;
        c.fillStyle = i % 2 ? "#000" : "#fff";
        c.fillText(i + 1, left + 3, top(row) + ROW / 2 + 1);
      });
    });
    rows.forEach(({ name, parts }, row) => { // at the end, where no number stands
      const text = parts.length === 1 ? `1 ${name.replace(/^(event|section)s$/, "$1")}` : `${parts.length} ${name}`;
      const wide = c.measureText(text).width + 8;
      c.fillStyle = "#fffd";
      c.fillRect(LEFT + width - wide, top(row) + 2, wide, ROW - 4);
      c.fillStyle = "#222";
      c.fillText(text, LEFT + width - wide + 4, top(row) + ROW / 2 + 1);
    });
  }
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top) / (ROW + GAP));
    const time = timeLine(model, canvas).timeAt(event.clientX - box.left);
    const i = rows[row]?.parts.findIndex(([from, to]) => from <= time && time < to) ?? -1;
    return i < 0 ? null : { row, i };
  };
  const look = (found) => {
    near = found;
    tip.hidden = !found;
    draw();
    if (!found) return;
    const { name, parts } = rows[found.row];
    const [from, to] = parts[found.i];
    tip.textContent = `${name}, ${found.i + 1} of ${parts.length}: ${from.toFixed(2)} to ${to.toFixed(2)} s`;
    const left = timeLine(model, canvas).x(Math.max(from, timeLine(model, canvas).start));
    tip.style.left = `${Math.min(left + 8, canvas.clientWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${top(found.row) + ROW + 1}px`;
  };
  const choose = (found) => found && model.send({ type: "choose", row: found.row, index: found.i });
  const step = (along, across) => {
    const row = Math.min(Math.max((near?.row ?? 0) + across, 0), rows.length - 1);
    if (!rows[row]?.parts.length) return;
    const time = near ? rows[near.row].parts[near.i][0] : 0;
    const i = across ? rows[row].parts.findIndex(([, to]) => to > time) : (near?.i ?? -1) + along;
    look({ row, i: Math.min(Math.max(i, 0), rows[row].parts.length - 1) });
  };
  canvas.addEventListener("pointermove", (event) => look(at(event)));
  canvas.addEventListener("pointerleave", () => look(null));
  canvas.addEventListener("click", (event) => choose(at(event)));
  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    if (event.key in steps) step(...steps[event.key]);
    else if (event.key === "Enter") choose(near);
    else if (event.key === "Escape") look(null);
    else return;
    event.preventDefault();
  });
  const acts = { edges: read, current: () => draw(), range: () => draw() };
  read();
  return watching(model, canvas, acts, () => draw());
}

export default { render };
