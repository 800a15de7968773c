// Values kept for the next visit. Browsers may forbid that: then nothing is kept.

/** An empty value removes the key. */
export function remember(key, value) {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch { /* optional */ }
}

/** Returns the value, or an empty text. */
export function recall(key) {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}
