// A place to drop files on, or to choose them: each file goes to Python in slices.
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

  let queue = Promise.resolve();
  const send = async (file) => {
    for (let start = 0; start === 0 || start < file.size; start += SLICE) {
      const part = await file.slice(start, start + SLICE).arrayBuffer();
      const is_last = start + SLICE >= file.size;
      model.send({ type: "part", name: file.name, start, size: file.size, is_last }, undefined, [part]);
    }
  };
  const take = (files) => {
    const all = [...files];
    for (const file of all) queue = queue.then(() => send(file));
    queue = queue.then(() => model.send({ type: "done", names: all.map((f) => f.name) }));
  };
  input.addEventListener("change", () => { take(input.files); input.value = ""; });
  label.addEventListener("dragover", (event) => { event.preventDefault(); label.classList.add("over"); });
  label.addEventListener("dragleave", () => label.classList.remove("over"));
  label.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    label.classList.remove("over");
    take(event.dataTransfer.files);
  });
}

export default { render };
