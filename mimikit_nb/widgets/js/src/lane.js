// The strip above the waveform: what is known about places in the sound (prompt, event,
// temperature ...), each entry where it belongs, and where the sound clips.

import { clock, describe, element, showTip } from "./layout.js";

const SHOWN = 3; // facts written into an entry; all of them are in its tooltip

export class Lane {
  constructor({ root, find }, info, seek) {
    this.box = find(".lane");
    this.rules = find(".rules");
    this.playhead = find(".playhead");
    this.entries = info.entries.map((entry) => this.#entry(entry, info, seek, root, find(".tip")));
    this.clips = info.clips.map(([start, stop]) => {
      const tick = element("span", "", { class: "clipped", title: `Clips at ${clock(start)}` });
      this.box.append(tick);
      return { tick, start, stop };
    });
    this.box.hidden = !this.entries.length && !this.clips.length;
    this.box.classList.toggle("bare", !this.entries.length);
    this.range = [0, info.duration];
  }

  #entry(entry, info, seek, root, tip) {
    const facts = Object.entries(entry.metadata).slice(0, SHOWN);
    const text = [entry.label, ...facts.map(([name, value]) => `${name} ${value}`)].join(" · ");
    const about = describe(entry);
    const block = element("button", text, { type: "button", class: "entry", "aria-label": about });
    const rule = element("div", "", { class: "rule" });
    block.style.setProperty("--kind", info.colours[entry.kind]);
    rule.style.setProperty("--kind", info.colours[entry.kind]);
    block.addEventListener("click", () => seek(entry.start));
    block.addEventListener("mousemove", (e) => showTip(tip, root, about, e.clientX, e.clientY));
    block.addEventListener("focus", () => {
      const at = block.getBoundingClientRect();
      showTip(tip, root, about, at.left, at.bottom);
    });
    for (const type of ["mouseleave", "blur"]) block.addEventListener(type, () => (tip.hidden = true));
    this.box.append(block);
    if (entry.start > 0) this.rules.append(rule);
    return { ...entry, block, rule };
  }

  /** Follow the zoom: place everything for the visible passage. */
  update(start, stop) {
    this.range = [start, stop];
    const percent = (time) => ((time - start) / (stop - start)) * 100;
    for (const entry of this.entries) {
      const left = Math.max(percent(entry.start), 0);
      const right = Math.min(percent(entry.stop), 100);
      entry.block.hidden = right <= left;
      entry.block.style.left = `${left}%`;
      entry.block.style.width = `${right - left}%`;
      const at = percent(entry.start);
      entry.rule.hidden = at < 0 || at > 100;
      entry.rule.style.left = `${at}%`;
    }
    for (const { tick, start: from, stop: to } of this.clips) {
      const left = percent(from);
      tick.hidden = left > 100 || percent(to) < 0;
      tick.style.left = `${left}%`;
      tick.style.width = `max(2px, ${percent(to) - left}%)`;
    }
    this.follow(this.time ?? 0);
  }

  follow(time) {
    this.time = time;
    const [start, stop] = this.range;
    const at = ((time - start) / (stop - start)) * 100;
    this.playhead.hidden = at < 0 || at > 100;
    this.playhead.style.left = `${at}%`;
  }
}
