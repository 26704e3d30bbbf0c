// What a view needs of the page it is in: a name for every control, keys that stay inside, and a
// sign of life for Python while somebody can see it.
const BEAT = 5000;
const VIEW = ".mnb-view";
const SUPPRESS = "data-lm-suppress-shortcuts";
const CONTROLS = "input, select, textarea, button, [role=slider], .noUi-handle";

function outermost(el) {
  let view = el.closest(VIEW);
  for (let next = view; next; next = next.parentElement?.closest(VIEW)) view = next;
  return view;
}

function nameOf(control) {
  for (const box of [control.closest(".widget-inline-hbox"), control.closest(".widget-hbox")]) {
    const label = box?.querySelector(".widget-label")?.textContent.trim();
    if (label) return label;
  }
  return control.title;
}

function nameControls(view, names) {
  for (const control of view.querySelectorAll(CONTROLS)) {
    control.setAttribute(SUPPRESS, "true"); // JupyterLab looks at what has the focus, first
    const has = control.ariaLabel || control.labels?.length || control.innerText?.trim();
    if (!has && nameOf(control)) control.setAttribute("aria-label", nameOf(control));
  }
  for (const [selector, name] of Object.entries(names))
    for (const found of view.querySelectorAll(selector)) {
      if (!found.hasAttribute("role")) found.setAttribute("role", "img");
      found.setAttribute("aria-label", name);
    }
}

function render({ model, el }) {
  el.style.display = "none";
  let view = null;
  const tidy = () => nameControls(view, model.get("names"));
  let asked = 0;
  const soon = () => { asked ||= setTimeout(() => { asked = 0; tidy(); }, 100); };
  const observer = new MutationObserver(soon);
  const settle = () => {
    if (view || !(view = outermost(el))) return;
    clearInterval(waiting);
    view.setAttribute(SUPPRESS, "true");
    view.addEventListener("keydown", (event) => event.stopPropagation());
    observer.observe(view, { childList: true, subtree: true });
    tidy();
    live();
  };
  const waiting = setInterval(settle, 100);
  const live = () => { if (!document.hidden && el.isConnected) model.send({ type: "here" }); };
  const beating = setInterval(live, BEAT);
  document.addEventListener("visibilitychange", live);
  return () => {
    clearInterval(waiting);
    clearInterval(beating);
    document.removeEventListener("visibilitychange", live);
    observer.disconnect();
  };
}

export default { render };
