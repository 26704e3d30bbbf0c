// A place to drop files on, or to choose them: each file goes to Python in slices. A kernel may
// take two messages of a widget at the same time, in two threads, so that a slice is sent when
// Python has the one before.
const SLICE = 1 << 20;

function render({ model, el }) {
  el.innerHTML = `<style>
    .mnb-drop {display: block; border: 2px dashed #8888; border-radius: 8px; padding: 14px 18px;
      text-align: center; cursor: pointer; font-size: 13px; max-width: 820px}
    .mnb-drop.over, .mnb-drop:focus-within {border-color: #0072b2; background: #0072b211}
    .mnb-drop input {display: block; margin: 6px auto 0; max-width: 100%}
  </style>`;
  const label = document.createElement("label");
  label.className = "mnb-drop";
  const text = document.createElement("span");
  const input = document.createElement("input");
  Object.assign(input, { type: "file", multiple: true, accept: model.get("accept") });
  input.setAttribute("aria-label", model.get("label"));
  label.append(text, input);
  el.append(label);

  const say = () => { text.textContent = model.get("status") || model.get("label"); };
  model.on("change:status", say);
  say();

  const view = Math.random().toString(36).slice(2);
  const waiting = new Map();
  let count = 0;
  const ask = (message, buffers) => new Promise((resolve) => {
    const id = `${view}-${count++}`;
    waiting.set(id, resolve);
    model.send({ ...message, id }, undefined, buffers);
  });
  model.on("msg:custom", (answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });

  const send = async (file) => {
    const key = `${view}-${count++}`;
    for (let start = 0; start === 0 || start < file.size; start += SLICE) {
      const part = await file.slice(start, start + SLICE).arrayBuffer().catch(() => null);
      if (!part) return ask({ type: "unreadable", key, name: file.name });
      const is_last = start + SLICE >= file.size;
      const { is_taken } = await ask(
        { type: "part", key, name: file.name, start, size: file.size, is_last }, [part]);
      if (!is_taken) return;
    }
  };
  let queue = Promise.resolve();
  const take = async (files) => {
    text.textContent = `${files.map((file) => file.name).join(", ")}: waiting for the kernel …`;
    for (const file of files) await send(file);
    await ask({ type: "done" });
    say();
  };
  const add = (files) => {
    const all = [...files];  // the list is emptied before its turn comes
    if (all.length) queue = queue.then(() => take(all));
  };
  input.addEventListener("change", () => { add(input.files); input.value = ""; });
  label.addEventListener("dragover", (event) => { event.preventDefault(); label.classList.add("over"); });
  label.addEventListener("dragleave", () => label.classList.remove("over"));
  label.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    label.classList.remove("over");
    add(event.dataTransfer.files);
  });
}

export default { render };
