// The player's elements: every control is a native one, with a name and a place in the tab order.

const ICONS = {
  play: '<path d="M4 2.5v11l9-5.5z"/>',
  pause: '<path d="M3.5 2.5h3v11h-3zM9.5 2.5h3v11h-3z"/>',
  loop: '<path d="M11 1.5 14 4.5 11 7.5V5.5H5A2.5 2.5 0 0 0 2.5 8H1A4 4 0 0 1 5 4h6zM5 14.5 2 11.5 5 8.5V10.5h6A2.5 2.5 0 0 0 13.5 8H15a4 4 0 0 1-4 4H5z"/>',
  out: '<path d="M3 7h10v2H3z"/>',
  in: '<path d="M7 3h2v4h4v2H9v4H7V9H3V7h4z"/>',
  fit: '<path d="M1 3h1.5v10H1zM13.5 3H15v10h-1.5zM3.5 8 6.5 5v2h3V5l3 3-3 3V9h-3v2z"/>',
  spectrogram: '<path d="M2 10h2v4H2zM5 6h2v8H5zM8 2h2v12H8zM11 7h2v7h-2z"/>',
  point: '<path d="M7.25 1.5h1.5V9L14 9v5H8.75v.5h-1.5z"/>',
  segment: '<path d="M1.5 2H3v12H1.5zM13 2h1.5v12H13zM4 5h8v6H4z" fill-opacity=".75"/>',
  undo: '<path d="M6 2 1.5 6 6 10V7.5h3.5a2.75 2.75 0 0 1 0 5.5H5v1.5h4.5a4.25 4.25 0 0 0 0-8.5H6z"/>',
  redo: '<path d="M10 2l4.5 4L10 10V7.5H6.5a2.75 2.75 0 0 0 0 5.5H11v1.5H6.5a4.25 4.25 0 0 1 0-8.5H10z"/>',
  remove: '<path d="M5.5 1.5h5V3H14v1.5H2V3h3.5zM3.5 5.5h9l-.7 9H4.2z"/>',
  help: '<path d="M5 5.5a3 3 0 1 1 4.2 2.75c-.5.25-.7.5-.7 1v.75H7v-1c0-1 .5-1.6 1.4-2.05A1.5 1.5 0 1 0 6.5 5.5zM7 12h1.5v1.7H7z"/>',
};

export const HELP = [
  ["Space", "play or pause"],
  ["← →", "move the playhead; with Shift ten times as far"],
  ["Home End", "go to the beginning, to the end"],
  ["+ −", "zoom in, out; 0 shows all"],
  ["drag", "select a passage; on a mark, move it or its edge; with Shift, select over marks"],
  ["drag a line", "move a boundary of two parts; with Alt only the part on whose side you take it"],
  ["M", "mark a point at the playhead"],
  ["S", "make a segment of the selection, or one second from the playhead"],
  ["[ ]", "go to the mark before, after"],
  ["Alt ← →", "move the chosen mark; with Shift its end"],
  ["Enter", "name the chosen mark"],
  ["Delete", "delete the chosen mark"],
  ["L", "loop"],
  ["Ctrl Z, Ctrl Y", "undo, redo"],
  ["Esc", "let go of the mark or the selection"],
];

export function icon(name) {
  return `<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${ICONS[name]}</svg>`;
}

const button = (key, name, picture = key) =>
  `<button type="button" data-do="${key}" aria-label="${name}" title="${name}">${icon(picture)}</button>`;

const TEMPLATE = `
  <div class="head"><span class="about"></span><span class="facts"></span></div>
  <div class="bar" role="toolbar" aria-label="Player">
    ${button("play", "Play")}
    ${button("loop", "Loop")}
    <span class="clock"><output class="now">0:00.00</output><span class="of"></span></span>
    <span class="gap"></span>
    ${button("out", "Zoom out")}${button("in", "Zoom in")}${button("fit", "Show all")}
    ${button("spectrogram", "Spectrogram")}
    <span class="gap"></span>
    ${button("point", "Mark a point here")}${button("segment", "Make a segment")}
    ${button("undo", "Undo")}${button("redo", "Redo")}
    <span class="space"></span>
    <canvas class="meter" width="120" height="14" role="img" aria-label="Level"></canvas>
    <button type="button" class="clip" data-on="false" aria-label="No clipping heard" title="Clipping">CLIP</button>
    ${button("help", "Keyboard shortcuts")}
  </div>
  <div class="stack">
    <div class="lane" role="group" aria-label="What is known about places"></div>
    <div class="zoom" role="img"></div>
    <div class="spectrogram" hidden><canvas role="img" aria-label="Spectrogram"></canvas></div>
    <div class="rules" aria-hidden="true"><div class="playhead"></div></div>
  </div>
  <div class="overview" role="img" aria-label="Overview"></div>
  <div class="inspector" role="group" aria-label="Chosen mark" hidden></div>
  <dl class="help" hidden></dl>
  <div class="status" role="status"></div>
  <div class="tip" role="tooltip" hidden></div>`;

/** Build the elements; texts that come from files are only ever set as text. */
export function build(info, css) {
  const root = document.createElement("div");
  root.className = "mnb-waveform";
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", `Waveform player ${info.title}`.trim());
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.innerHTML = `<style>${css}</style>${TEMPLATE}`;
  const find = (selector) => root.querySelector(selector);
  find(".about").textContent = info.about;
  find(".of").textContent = ` / ${clock(info.duration)}`;
  find(".zoom").style.height = `${info.height}px`;
  find(".zoom").setAttribute("aria-label", `Waveform: ${info.about}`);
  for (const [name, value] of Object.entries(info.facts)) find(".facts").append(chip(name, value));
  for (const [keys, what] of HELP) {
    find(".help").append(element("dt", keys), element("dd", what));
  }
  return { root, find };
}

function chip(name, value) {
  const text = typeof value === "number" ? +value.toPrecision(6) : value;
  const made = element("span", `${name} ${text}`);
  made.className = "chip";
  made.title = `${name}: ${value}`;
  return made;
}

export function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/** Seconds as m:ss.hh, or h:mm:ss.hh. */
export function clock(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = (seconds % 60).toFixed(2).padStart(5, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Where a tooltip goes: beside the pointer, inside the player. */
export function showTip(tip, root, text, x, y) {
  tip.textContent = text;
  tip.hidden = !text;
  const box = root.getBoundingClientRect();
  const left = Math.min(x - box.left + 12, box.width - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(left, 4)}px`;
  const top = Math.min(y - box.top + 14, box.height - tip.offsetHeight - 4);
  tip.style.top = `${Math.max(top, 4)}px`;
}

/** A mark and what is known about it, one fact a line. */
export function describe(mark) {
  const time = "time" in mark ? clock(mark.time) : `${clock(mark.start)} – ${clock(mark.stop)}`;
  const facts = Object.entries(mark.metadata).map(([name, value]) => `${name}: ${value}`);
  return [[mark.label, mark.label === mark.kind ? "" : mark.kind].filter(Boolean).join(" · "), time, ...facts]
    .filter(Boolean)
    .join("\n");
}
