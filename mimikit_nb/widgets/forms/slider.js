// A slider: the browser's own, with a name, a value in words, and the keyboard. What it shows is
// rounded to its step, but only a hand on it changes the model.
function render({ model, el }) {
  const input = document.createElement("input");
  Object.assign(input, { type: "range", min: 0, max: 1, step: model.get("step") });
  input.className = "mnb-slider";
  input.setAttribute("data-lm-suppress-shortcuts", "true");
  const show = () => {
    input.value = model.get("value");
    input.title = model.get("tip");
    input.setAttribute("aria-label", model.get("name"));
    input.setAttribute("aria-valuetext", model.get("text"));
  };
  input.addEventListener("keydown", (event) => event.stopPropagation());
  input.addEventListener("input", () => {
    model.set("value", input.valueAsNumber);
    model.save_changes();
  });
  const traits = ["value", "text", "name", "tip"];
  for (const trait of traits) model.on(`change:${trait}`, show);
  show();
  el.append(input);
  return () => { for (const trait of traits) model.off(`change:${trait}`, show); };
}

export default { render };
