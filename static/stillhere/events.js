// Listeners of a StillHere, by the event.

export class Events {
  #listeners = new Map(); // event -> Set of functions

  /** Returns a function that takes the listener away again. */
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
        reportError(error); // the other listeners are told all the same
      }
    }
  }

  clear() {
    this.#listeners.clear();
  }
}
