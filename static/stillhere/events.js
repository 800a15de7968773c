// Event listeners of a StillHere.

export class Events {
  #listeners = new Map(); // event -> Set of functions

  /** Adds a listener; returns a function that removes it. */
  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.#listeners.get(event)?.delete(listener);
  }

  tell(event, what) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        listener(what);
      } catch (error) {
        reportError(error); // the other listeners are still called
      }
    }
  }

  clear() {
    this.#listeners.clear();
  }
}
