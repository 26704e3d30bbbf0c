// The keyboard: everything the mouse can do. No key leaves the player, so that typing here never
// runs, deletes or inserts a cell of the notebook.

const FIELDS = new Set(["INPUT", "SELECT", "TEXTAREA"]);

export function listen(root, view) {
  const keys = {
    " ": () => view.toggle(),
    ArrowLeft: (e) => (e.altKey ? view.nudge(-1, e.shiftKey) : view.move(e.shiftKey ? -10 : -1)),
    ArrowRight: (e) => (e.altKey ? view.nudge(1, e.shiftKey) : view.move(e.shiftKey ? 10 : 1)),
    Home: () => view.media.seek(0),
    End: () => view.media.seek(view.info.duration),
    "+": () => view.zoomBy(-1),
    "=": () => view.zoomBy(-1),
    "-": () => view.zoomBy(1),
    0: () => view.fit(),
    m: () => view.addPoint(),
    s: () => view.addSegment(),
    "[": () => view.step(-1),
    "]": () => view.step(1),
    Enter: () => view.inspector.focusLabel(),
    Delete: () => view.marks.removeChosen(),
    Backspace: () => view.marks.removeChosen(),
    l: () => view.setLoop(!view.model.get("loop")),
    z: (e) => (e.ctrlKey || e.metaKey) && (e.shiftKey ? view.marks.redo() : view.marks.undo()),
    y: (e) => (e.ctrlKey || e.metaKey) && view.marks.redo(),
    Escape: () => view.letGo(),
  };
  root.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (FIELDS.has(event.target.tagName)) {
      if (event.key === "Escape" || event.key === "Enter") root.focus();
      return;
    }
    if (event.target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
    const held = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!keys[key] || (held && key !== "z" && key !== "y")) return;
    event.preventDefault();
    keys[key](event);
  });
}
