// Parts of a sound that never overlap: where their boundaries are, and what moving one, changing a
// part or making a new one leaves of the others. Lists of segments in, lists of segments out.

const SHORTEST = 0.005; // seconds that are left of a part
const TOUCHING = 0.0005; // seconds between two parts that share a boundary

const inOrder = (segments) => [...segments].sort((a, b) => a.start - b.start);

/** Places where a part ends (`left`) or begins (`right`), both where two parts touch; `room` is the
 * length of the shorter one. */
export function boundaries(segments) {
  const places = [];
  for (const { id, start, stop, editable } of inOrder(segments)) {
    const last = places.at(-1);
    const room = stop - start;
    if (last && Math.abs(start - last.time) < TOUCHING) {
      Object.assign(last, { right: id, editable: last.editable && editable, room: Math.min(last.room, room) });
    } else places.push({ time: start, left: null, right: id, editable, room });
    places.push({ time: stop, left: id, right: null, editable, room });
  }
  return places;
}

/** The nearest time to which a boundary can be moved. */
export function allowed(segments, { left, right }, time, duration) {
  const ordered = inOrder(segments);
  const of = (id) => ordered.findIndex((segment) => segment.id === id);
  const low = left !== null ? ordered[of(left)].start + SHORTEST : (ordered[of(right) - 1]?.stop ?? 0);
  const high = right !== null ? ordered[of(right)].stop - SHORTEST : (ordered[of(left) + 1]?.start ?? duration);
  return Math.min(Math.max(time, low), Math.max(low, high));
}

/** The segments with a boundary moved as far as its neighbours allow. */
export function moved(segments, boundary, time, duration) {
  const place = allowed(segments, boundary, time, duration);
  return segments.map((segment) => {
    if (segment.id === boundary.left) return { ...segment, stop: place };
    if (segment.id === boundary.right) return { ...segment, start: place };
    return segment;
  });
}

/** The segments with one changed; parts that touch it give way. */
export function changed(segments, id, { start, stop, ...values }, duration) {
  let now = segments.map((segment) => (segment.id === id ? { ...segment, ...values } : segment));
  const old = segments.find((segment) => segment.id === id);
  const ends = [["right", start, old.start], ["left", stop, old.stop]];
  if (start > old.start) ends.reverse(); // make room first
  for (const [side, time, before] of ends) {
    if (time === undefined || time === before) continue;
    const boundary = boundaries(now).find((place) => place[side] === id);
    if (boundary) now = moved(now, boundary, time, duration);
  }
  return now;
}

/** The segments with a new one, which takes its place from those that are there. */
export function withNew(segments, made) {
  const rest = segments.flatMap((segment) => {
    if (segment.stop <= made.start || segment.start >= made.stop) return [segment];
    const before = { ...segment, stop: made.start };
    const after = { ...segment, start: made.stop, id: `${segment.id}-${made.id}` };
    return [before, after].filter(({ start, stop }) => stop - start >= SHORTEST);
  });
  return [...rest, made];
}
