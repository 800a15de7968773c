// What rooms are told in: times as seconds that are left, and changes as patches.

/**
 * Seconds that are left (`…_in`) as instants of `performance.now()` (`…_at`), in objects at any
 * depth. A patch takes such a field away with `null`, which stays.
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
  // A map: `__proto__` is a key like any other, for whoever has it in a game's view.
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
