// What is shown only once it has lasted: a player who reloads the page is away for a moment, which
// must not move the pages of the others.

export class Lasting {
  #span;
  #onLasted;
  #since = new Map(); // key -> since when
  #timer = 0;

  /** onLasted(): something has lasted for `span` ms by now. */
  constructor(span, onLasted) {
    this.#span = span;
    this.#onLasted = onLasted;
  }

  /** Takes the keys of all that is so now; returns the set of those that have been so for the span. */
  of(keys) {
    const now = performance.now();
    const current = new Set(keys);
    for (const key of this.#since.keys()) if (!current.has(key)) this.#since.delete(key);
    for (const key of current) if (!this.#since.has(key)) this.#since.set(key, now);
    const lasting = new Set([...current].filter((key) => now - this.#since.get(key) >= this.#span));
    const others = [...current].filter((key) => !lasting.has(key)).map((key) => this.#since.get(key));
    clearTimeout(this.#timer);
    if (others.length > 0) this.#timer = setTimeout(this.#onLasted, Math.min(...others) + this.#span - now);
    return lasting;
  }

  clear() {
    this.#since.clear();
    clearTimeout(this.#timer);
  }
}
