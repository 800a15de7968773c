// The format of rooms: times as seconds left, and changes as patches.

/**
 * Replaces seconds left (`…_in`) by instants of `performance.now()` (`…_at`), in objects at any
 * depth. `null`, by which a patch removes a field, stays `null`.
 */
export function toInstants(value, now = performance.now()) {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => {
    const isTime = key.endsWith('_in') && (typeof each === 'number' || each === null);
    if (!isTime) return [key, toInstants(each, now)];
    return [`${key.slice(0, -2)}at`, each === null ? null : now + each * 1000];
  }));
}

/** Returns `value` with a JSON merge patch (RFC 7396) applied; `value` is not modified. */
export function mergePatch(value, patch) {
  if (!isObject(patch)) return patch;
  // A Map, so that `__proto__` is an ordinary key.
  const merged = new Map(isObject(value) ? Object.entries(value) : []);
  for (const [key, each] of Object.entries(patch)) {
    if (each === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), each));
  }
  return Object.fromEntries(merged);
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
