"""What really comes out of a page: the samples behind a live sound's volume, with their times."""

from __future__ import annotations

import base64

import numpy as np

from tests.browser.lab import Notebook

TAP = """registerProcessor("tap", class extends AudioWorkletProcessor {
  constructor() { super(); this.kept = []; }
  process([input]) {
    if (input.length) this.kept.push(...input.map((channel) => channel.slice()));
    if (this.kept.length >= 8 * input.length && input.length) {
      this.port.postMessage({ frame: currentFrame, n: input.length, kept: this.kept });
      this.kept = [];
    }
    return true;
  }
});"""

RECORD = """async ([index, tap]) => {
  const engine = [...window.mimikitNbLive][index];
  await engine.open();
  const url = URL.createObjectURL(new Blob([tap], { type: "text/javascript" }));
  await engine.context.audioWorklet.addModule(url);
  const node = new AudioWorkletNode(engine.context, "tap", { numberOfOutputs: 0 });
  const heard = (window.heard = { channels: [], stamps: [], engine });
  node.port.onmessage = ({ data }) => {
    data.kept.forEach((part, i) => (heard.channels[i % data.n] ??= []).push(part));
    heard.first ??= data.frame + 128 - 128 * (data.kept.length / data.n);
    const { contextTime, performanceTime } = engine.context.getOutputTimestamp();
    heard.stamps.push([contextTime, performanceTime + performance.timeOrigin]);
  };
  engine.output.connect(node);
  if (window.acted) return;
  window.acted = {};
  for (const type of ["input", "click"])
    document.addEventListener(type, (event) => { window.acted[type] = Date.now(); }, true);
}"""

HEARD = """() => {
  const { channels, stamps, first } = window.heard;
  const bytes = (parts) => {
    const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of parts) { all.set(part, at); at += part.length; }
    const raw = new Uint8Array(all.buffer);
    let text = "";
    const step = 32768;
    for (let i = 0; i < raw.length; i += step)
      text += String.fromCharCode(...raw.subarray(i, i + step));
    return btoa(text);
  };
  return { channels: channels.map(bytes), stamp: stamps.at(-1), first };
}"""


class Capture:
    """Records what one live sound of a page gives to the loudspeakers.

    Parameters
    ----------
    notebook : Notebook
    sample_rate : int
    index : int, default 0
        Which of the page's live sounds.
    """

    def __init__(self, notebook: Notebook, sample_rate: int, index: int = 0) -> None:
        self.page, self.sample_rate = notebook.page, sample_rate
        self.page.wait_for_function("i => window.mimikitNbLive?.size > i", arg=index)
        self.page.evaluate(RECORD, [index, TAP])

    def heard(self) -> tuple[np.ndarray, np.ndarray]:
        """Samples ``[C, n]``, and when each left the loudspeakers, in seconds since 1970."""
        found = self.page.evaluate(HEARD)
        y = np.stack([np.frombuffer(base64.b64decode(c), np.float32) for c in found["channels"]])
        in_context, in_page = found["stamp"]
        frames = found["first"] + np.arange(y.shape[1])
        return y, in_page / 1000 + frames / self.sample_rate - in_context

    def silent_after(self, when: float) -> float:
        """Seconds from a time (since 1970), before which it sounds, to the last sample but 0."""
        y, times = self.heard()
        assert y[:, (times > when - 1) & (times < when)].any()
        return float(times[np.abs(y).max(0) > 0][-1]) - when

    def seconds(self) -> float:
        """How much was recorded so far."""
        count = "() => (window.heard.channels[0] ?? []).reduce((n, part) => n + part.length, 0)"
        return self.page.evaluate(count) / self.sample_rate

    def acted(self, kind: str) -> float:
        """When the page got its last "click" or "input", in seconds since 1970."""
        return self.page.evaluate("kind => window.acted[kind]", kind) / 1000

    def now(self) -> float:
        """The page's clock, in seconds since 1970."""
        return self.page.evaluate("() => performance.timeOrigin + performance.now()") / 1000
