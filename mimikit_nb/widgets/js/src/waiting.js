// Waiting for elements of the page.

/** Resolves when a node comes within a screen's height of what is visible. */
export function nearby(node) {
  return new Promise((resolve) => {
    const observer = new IntersectionObserver(
      (seen) => {
        if (!seen.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        resolve();
      },
      { rootMargin: "100% 0px", scrollMargin: "100% 0px" },
    );
    observer.observe(node);
  });
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
