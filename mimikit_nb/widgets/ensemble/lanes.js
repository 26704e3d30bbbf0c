// Turns in rows, a row per voice: drag one to another place, drag its right edge to another length.
// The page only says what was wanted; Python edits the score and says what it has become.
const ROW = 46, GAP = 4, LEAST_PIXELS = 8, CLICK = 4, PAGE_SECONDS = 1, STEP_SECONDS = 0.1;

const css = `<style>
  .mnb-lanes {position: relative; max-width: 100%; font: 12px sans-serif; outline-offset: 2px}
  .mnb-lanes .scroll {overflow-x: auto; border: 1px solid #8885; border-radius: 4px; padding: 0 6px}
  .mnb-lanes .sheet {position: relative; min-width: 100%}
  .mnb-lanes .ruler {position: relative; height: 16px; color: inherit; opacity: .8}
  .mnb-lanes .ruler span {position: absolute; top: 1px; padding-left: 3px; border-left: 1px solid #8888; font-size: 10px}
  .mnb-lanes .row {position: relative; height: ${ROW}px; margin-bottom: ${GAP}px; background: #8881; border-radius: 3px}
  .mnb-lanes .row .empty {position: absolute; left: 8px; top: 14px; opacity: .7}
  .mnb-lanes .turn {position: absolute; top: 2px; bottom: 2px; box-sizing: border-box; overflow: hidden;
    border: 2px solid transparent; border-radius: 4px; color: #fff; text-shadow: 0 0 3px #000, 0 0 2px #000;
    cursor: grab; touch-action: none; user-select: none; padding: 1px 8px 1px 5px; text-align: left; white-space: nowrap}
  .mnb-lanes .turn b {display: block; font-size: 12px; overflow: hidden; text-overflow: ellipsis}
  .mnb-lanes .turn i {font-style: normal; font-size: 11px}
  .mnb-lanes .turn.todo {background-image: repeating-linear-gradient(135deg, #fff3 0 5px, transparent 5px 11px)}
  .mnb-lanes .turn.chosen {border-color: currentColor; outline: 2px solid #e4007f; outline-offset: 0}
  .mnb-lanes .turn.held {opacity: .75; cursor: grabbing; z-index: 5}
  .mnb-lanes .edge {position: absolute; right: 0; top: 0; bottom: 0; width: 8px; cursor: ew-resize; background: #0003}
  .mnb-lanes .drop {position: absolute; width: 3px; top: 0; bottom: 0; background: #e4007f; z-index: 6; pointer-events: none}
  .mnb-lanes .head {position: absolute; top: 0; bottom: 0; width: 1px; background: #e4007f; z-index: 4; pointer-events: none}
  .mnb-lanes .bar {display: flex; gap: 6px; align-items: center; margin-bottom: 3px}
  .mnb-lanes .bar button {font: inherit; padding: 1px 9px; cursor: pointer}
  .mnb-lanes .bar output {opacity: .8}
</style>`;

const make = (tag, className, text = "") => {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
};

function render({ model, el }) {
  el.innerHTML = css;
  const root = make("div", "mnb-lanes");
  root.tabIndex = 0;
  root.setAttribute("role", "application");
  root.setAttribute("aria-label", "Timeline of turns: arrow keys choose, Alt and arrows move, plus and minus change the length, D duplicates, Delete deletes, Ctrl Z takes back");
  root.dataset.lmSuppressShortcuts = "true";
  const bar = make("div", "bar"), say = make("output", "");
  const scroll = make("div", "scroll"), sheet = make("div", "sheet");
  let zoom = 1, held = null;
  for (const [sign, name, factor] of [["−", "Zoom timeline out", 1 / 1.6], ["+", "Zoom timeline in", 1.6], ["⤢", "Fit timeline", 0]]) {
    const button = make("button", "", sign);
    button.type = "button";
    button.title = name;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", () => {
      zoom = factor ? Math.min(Math.max(zoom * factor, 1), 60) : 1;
      draw();
    });
    bar.append(button);
  }
  say.setAttribute("role", "status");
  bar.append(say);
  scroll.append(sheet);
  root.append(bar, scroll);
  el.append(root);

  const rows = () => model.get("rows");
  const chosen = () => model.get("chosen");
  const tell = (type, values = {}) => model.send({ type, ...values });
  const total = () => Math.max(1, ...rows().map((row) => row.reduce((sum, turn) => sum + turn.seconds, 0)));
  const scale = () => (zoom * Math.max(scroll.clientWidth - 14, 60)) / (total() * 1.04); // pixels a second
  const starts = (row) => row.reduce((found, turn) => [...found, found.at(-1) + turn.seconds], [0]);
  const same = (place) => chosen()?.[0] === place[0] && chosen()?.[1] === place[1];

  function draw() {
    if (held) return;
    const perSecond = scale();
    sheet.style.width = `${total() * perSecond}px`;
    const ruler = make("div", "ruler");
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600].find((s) => s * perSecond > 46) ?? 1200;
    for (let t = 0; t < total(); t += step) {
      const tick = make("span", "", `${+t.toFixed(1)}${t ? "" : " s"}`);
      tick.style.left = `${t * perSecond}px`;
      ruler.append(tick);
    }
    sheet.replaceChildren(ruler, ...rows().map((row, index) => lane(row, index, perSecond)), head);
    follow();
    const n = rows().reduce((sum, row) => sum + row.length, 0);
    const seconds = rows().some((row) => row.length) ? total() : 0;
    say.textContent = `${n} turn${n === 1 ? "" : "s"}, ${seconds.toFixed(1)} s${rows().length > 1 ? `, ${rows().length} voices` : ""}`;
  }

  function lane(row, index, perSecond) {
    const made = make("div", "row");
    made.setAttribute("role", "listbox");
    made.setAttribute("aria-label", `Voice ${index + 1}`);
    if (!row.length) made.append(make("span", "empty", `voice ${index + 1}: no turns yet`));
    const begins = starts(row);
    row.forEach((turn, i) => made.append(block(turn, [index, i], begins[i], perSecond)));
    return made;
  }

  function block(turn, place, start, perSecond) {
    const made = make("div", `turn${same(place) ? " chosen" : ""}${turn.done ? "" : " todo"}`);
    made.style.left = `${start * perSecond}px`;
    made.style.width = `${Math.max(turn.seconds * perSecond - 1, LEAST_PIXELS)}px`;
    made.style.backgroundColor = turn.colour;
    made.dataset.place = place.join();
    const state = turn.done ? "made" : "to be made";
    made.title = `${turn.label} · ${turn.seconds.toFixed(2)} s · ${turn.detail} · ${state}`;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", same(place));
    made.setAttribute("aria-label", `Turn ${place[1] + 1} of voice ${place[0] + 1}: ${made.title}`);
    made.append(make("b", "", turn.label), make("i", "", `${turn.seconds.toFixed(1)} s ${turn.detail}`), make("span", "edge"));
    made.addEventListener("pointerdown", (event) => grab(event, made, place, turn));
    made.addEventListener("dblclick", () => tell("play", { place }));
    return made;
  }

  // --- dragging ---------------------------------------------------------------------------------
  function grab(event, element, place, turn) {
    if (event.button !== 0) return;
    event.preventDefault();
    root.focus({ preventScroll: true });
    element.setPointerCapture(event.pointerId);
    const isEdge = event.target.classList.contains("edge");
    held = { element, place, turn, isEdge, x: event.clientX, y: event.clientY, moved: false };
    element.addEventListener("pointermove", drag);
    element.addEventListener("pointerup", drop);
    element.addEventListener("pointercancel", release);
  }
  function drag(event) {
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    if (!held.moved && Math.hypot(dx, dy) < CLICK) return;
    held.moved = true;
    held.element.classList.add("held");
    if (held.isEdge) {
      held.seconds = Math.max(0.05, held.turn.seconds + dx / scale());
      held.element.style.width = `${held.seconds * scale()}px`;
      say.textContent = `${held.seconds.toFixed(2)} s`;
      return;
    }
    held.element.style.transform = `translate(${dx}px, ${dy}px)`;
    held.to = target(event);
    mark.remove();
    const row = sheet.querySelectorAll(".row")[held.to[0]];
    mark.style.left = `${edges(held.to[0])[held.to[1]] * scale() - 2}px`;
    row.append(mark);
  }
  function drop() {
    const { moved, isEdge, seconds, to, place } = held;
    release();
    if (!moved) return tell("choose", { place });
    if (isEdge) return tell("resize", { place, seconds });
    return tell("move", { place, to });
  }
  function release() {
    held?.element.removeEventListener("pointermove", drag);
    held?.element.removeEventListener("pointerup", drop);
    held?.element.removeEventListener("pointercancel", release);
    mark.remove();
    held = null;
    draw();
  }
  const mark = make("span", "drop");
  /** Beginnings of a row's turns, without the held one, and its end. */
  const edges = (row) => starts(rows()[row].filter((_, i) => row !== held.place[0] || i !== held.place[1]));
  function target(event) {
    const boxes = [...sheet.querySelectorAll(".row")].map((row) => row.getBoundingClientRect());
    const under = boxes.findIndex((box) => event.clientY < box.bottom + GAP / 2);
    const row = under < 0 ? boxes.length - 1 : under;
    const seconds = (held.element.getBoundingClientRect().left - boxes[row].left) / scale();
    const places = edges(row);
    const middles = places.slice(0, -1).map((start, i) => (start + places[i + 1]) / 2);
    const index = middles.findIndex((middle) => seconds < middle);
    return [row, index < 0 ? middles.length : index];
  }

  // --- keys -------------------------------------------------------------------------------------
  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.target !== root) return;
    const place = chosen();
    const command = event.ctrlKey || event.metaKey;
    const arrows = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const key = event.key.toLowerCase();
    if (command && key === "z") tell(event.shiftKey ? "redo" : "undo");
    else if (command && key === "y") tell("redo");
    else if (command) return;
    else if (event.key in arrows) {
      const [down, right] = arrows[event.key];
      const from = place ?? [0, -1];
      const to = [from[0] + down, from[1] + right];
      tell(event.altKey && place ? "move" : "choose", event.altKey && place ? { place, to } : { place: to });
    } else if (!place) return;
    else if (["+", "=", "-"].includes(event.key)) {
      const step = event.shiftKey ? PAGE_SECONDS : STEP_SECONDS;
      const seconds = rows()[place[0]][place[1]].seconds + (event.key === "-" ? -step : step);
      tell("resize", { place, seconds: Math.max(0.05, seconds) });
    } else if (key === "d") tell("duplicate", { place });
    else if (event.key === "Delete" || event.key === "Backspace") tell("delete", { place });
    else if (event.key === "Enter" || event.key === " ") tell("play", { place });
    else return;
    event.preventDefault();
  });

  const head = make("span", "head");
  function follow() {
    const time = model.get("time");
    head.hidden = time < 0;
    head.style.left = `${Math.max(0, time) * scale()}px`;
  }
  const watch = { rows: draw, chosen: draw, time: follow };
  for (const [name, act] of Object.entries(watch)) model.on(`change:${name}`, act);
  const resized = new ResizeObserver(() => draw());
  draw();
  resized.observe(scroll);
  return () => {
    resized.disconnect();
    for (const [name, act] of Object.entries(watch)) model.off(`change:${name}`, act);
  };
}

export default { render };
