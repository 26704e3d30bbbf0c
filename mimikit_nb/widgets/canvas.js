// What the drawn views share: numbers from bytes, sharp pixels, places on a time line that follows
// the waveform's zoom, and being told of changes until the view is gone.
const LEFT = 9, RIGHT = 9; // as in the waveform, so that the same time lies at the same place

const numbersOf = (view) => {
  if (!view || !view.byteLength) return new Float32Array(0);
  return new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
};

/** Context to draw on, cleared, in units of a page's pixels. */
const sharp = (canvas, height) => {
  const scale = window.devicePixelRatio || 1;
  canvas.width = canvas.clientWidth * scale;
  canvas.height = height * scale;
  const c = canvas.getContext("2d");
  c.scale(scale, scale);
  return c;
};

/** The passage that is shown, and where its times lie on a canvas. */
const timeLine = (model, canvas) => {
  const duration = model.get("duration");
  const [start, stop] = model.get("range").length === 2 ? model.get("range") : [0, duration];
  const width = Math.max(canvas.clientWidth - LEFT - RIGHT, 1);
  return {
    start, stop, width,
    x: (seconds) => LEFT + ((seconds - start) / (stop - start)) * width,
    timeAt: (x) => start + ((x - LEFT) / width) * (stop - start),
  };
};

/** Call `acts` when their traits change and `draw` when the size does; returns how to end that. */
const watching = (model, canvas, acts, draw) => {
  for (const [name, act] of Object.entries(acts)) model.on(`change:${name}`, act);
  const resized = new ResizeObserver(() => draw());
  resized.observe(canvas);
  return () => {
    resized.disconnect();
    for (const [name, act] of Object.entries(acts)) model.off(`change:${name}`, act);
  };
};

