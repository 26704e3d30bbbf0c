// What a model carries: fetches the player's bundle from Python, once per page, and hands over.
// The bundle itself is never part of a model's state, so it never lands in a saved notebook.

function fetchBundle(model) {
  return new Promise((resolve, reject) => {
    const id = Math.random().toString(36).slice(2);
    const onMessage = (message, buffers) => {
      if (message.id !== id) return;
      model.off("msg:custom", onMessage);
      if (message.error) return reject(new Error(message.error));
      const url = URL.createObjectURL(new Blob([buffers[0]], { type: "text/javascript" }));
      resolve(import(url).finally(() => URL.revokeObjectURL(url)));
    };
    model.on("msg:custom", onMessage);
    model.send({ ask: "bundle", id });
  });
}

async function render({ model, el }) {
  const bundles = (window.mimikitNbWaveform ??= {});
  const digest = model.get("_info").bundle;
  const wait = document.createElement("div");
  wait.textContent = "Waiting for the kernel. If this stays, run the cell again.";
  wait.style.cssText = "padding: 8px; opacity: 0.6; font-size: 13px";
  const timer = setTimeout(() => el.append(wait), 1500);
  // A question that a dead kernel left open must not block the next player, so each one asks.
  const fetched = bundles[digest] ?? fetchBundle(model).then((bundle) => (bundles[digest] = bundle));
  const bundle = await fetched;
  clearTimeout(timer);
  wait.remove();
  return bundle.render({ model, el });
}

export default { render };
