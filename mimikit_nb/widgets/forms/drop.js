// A place to drop files on, or to choose them: each file goes to Python in slices. A kernel may
// take two messages of a widget at the same time, in two threads, so that a slice is sent when
// Python has the one before.
const SLICE = 1 << 20;
const STYLE = `
  .mnb-drop {display: block; margin: 2px; border: 2px dashed #8888; border-radius: 8px; padding: 14px 18px;
    text-align: center; cursor: pointer; font-size: 13px; max-width: 820px}
  .mnb-drop.over, .mnb-drop:focus-within {border-color: #0072b2; background: #0072b211}
  .mnb-drop input {display: block; margin: 6px auto 0; max-width: 100%}`;

/** Sends files, one after the other; views come and go meanwhile. */
class Sender {
  constructor(model) {
    this.model = model;
    this.page = Math.random().toString(36).slice(2);
    this.count = 0;
    this.open = new Map();
    this.queue = Promise.resolve();
    this.views = new Set();
    this.note = "";
    model.on("msg:custom", (answer) => {
      this.open.get(answer.id)?.(answer);
      this.open.delete(answer.id);
    });
    model.on("change:status", () => this.say(""));
  }

  add(files) {
    const all = [...files]; // the list is emptied before its turn comes
    if (!all.length) return;
    const take = () => this.take(all);
    this.queue = this.queue.then(take).catch(() => this.say("The kernel is gone; run the cell again."));
  }

  async take(files) {
    const names = files.map((file) => file.name).join(", ");
    this.say(`${names}: waiting for the kernel. If this stays, run the cell again.`);
    for (const file of files) await this.send(file);
    await this.ask({ type: "done" });
    this.say("");
  }

  async send(file) {
    const about = { key: this.name(), name: file.name, size: file.size };
    for (let start = 0; start === 0 || start < file.size; start += SLICE) {
      const part = await file.slice(start, start + SLICE).arrayBuffer().catch(() => null);
      if (!part) return this.ask({ type: "unreadable", ...about });
      const is_last = start + SLICE >= file.size;
      const { is_taken } = await this.ask({ type: "part", start, is_last, ...about }, [part]);
      if (!is_taken) return;
    }
  }

  ask(message, buffers) {
    return new Promise((resolve) => {
      const id = this.name();
      this.open.set(id, resolve);
      this.model.send({ ...message, id }, undefined, buffers);
    });
  }

  name() {
    return `${this.page}-${this.count++}`;
  }

  say(note) {
    this.note = note;
    for (const show of this.views) show();
  }
}

function render(sender, { model, el }) {
  el.innerHTML = `<style>${STYLE}</style>`;
  const label = document.createElement("label");
  label.className = "mnb-drop";
  const text = document.createElement("span");
  const input = document.createElement("input");
  Object.assign(input, { type: "file", multiple: true, accept: model.get("accept") });
  input.setAttribute("aria-label", model.get("label"));
  label.append(text, input);
  el.append(label);

  const show = () => { text.textContent = sender.note || model.get("status") || model.get("label"); };
  sender.views.add(show);
  show();

  input.addEventListener("change", () => { sender.add(input.files); input.value = ""; });
  label.addEventListener("dragover", (event) => { event.preventDefault(); label.classList.add("over"); });
  label.addEventListener("dragleave", () => label.classList.remove("over"));
  label.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    label.classList.remove("over");
    sender.add(event.dataTransfer.files);
  });
  return () => sender.views.delete(show);
}

export default () => {
  let sender;
  return {
    initialize({ model }) { sender = new Sender(model); },
    render: (view) => render(sender, view),
  };
};
