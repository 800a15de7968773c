// What this browser keeps for the next visit. It may forbid that; then nothing is kept.

/** An empty value forgets. */
export function remember(key, value) {
  try {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  } catch { /* a comfort, not a need */ }
}

/** What was kept, or an empty text. */
export function recall(key) {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}
