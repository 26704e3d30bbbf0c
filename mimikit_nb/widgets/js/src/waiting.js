// Waiting for elements of the page.

/**
 * Resolves when a node in the page comes within a screen's height of what is visible. Margins hold
 * only around the root: it is what scrolls, since a notebook's panels clip what lies outside them.
 */
export function nearby(node) {
  return new Promise((resolve) => {
    const observer = new IntersectionObserver(
      (seen) => {
        if (!seen.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        resolve();
      },
      { root: scroller(node), rootMargin: "100% 0px" },
    );
    observer.observe(node);
  });
}

/** The outermost element around a node that scrolls up and down; null: the page does. */
function scroller(node) {
  let found = null;
  for (let above = node.parentElement; above && above !== document.body; above = above.parentElement)
    if (isScrolling(above)) found = above;
  return found;
}

function isScrolling(node) {
  const { overflowY } = getComputedStyle(node);
  return ["auto", "scroll"].includes(overflowY) && node.scrollHeight > node.clientHeight + 1;
}

/** Resolves when a node has a width to draw in. */
export function sized(node) {
  return new Promise((resolve) => {
    const observer = new ResizeObserver(() => {
      if (!node.clientWidth) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(node);
  });
}
