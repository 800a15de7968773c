// How rooms are sent: times as seconds left, and changes as patches.

/**
 * Seconds that are left (`…_in`) as instants of `performance.now()` (`…_at`), in objects at any
 * depth. A `null`, by which a patch removes such a field, stays `null`.
 */
export function toInstants(value, now = performance.now()) {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => {
    const isTime = key.endsWith('_in') && (typeof each === 'number' || each === null);
    if (!isTime) return [key, toInstants(each, now)];
    return [`${key.slice(0, -2)}at`, each === null ? null : now + each * 1000];
  }));
}

/** The value that a JSON merge patch (RFC 7396) makes of `value`, which stays as it is. */
export function mergePatch(value, patch) {
  if (!isObject(patch)) return patch;
  // A Map, in which `__proto__` is a key like any other.
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
