// A copy of one topic: a snapshot once per connection, then its changes.

const WHOLES = new Set(['roster', 'rooms', 'room']); // types of snapshot messages

/** Subclasses apply messages: `takeWhole(message)`, and `takeChange(message)` -> success. */
export class Mirror {
  /** There is no connection, or nothing has arrived on it: the content may be outdated. */
  isStale = true;
  /** A snapshot was requested and has not arrived: changes are ignored. */
  isWaiting = true;
  #version = 0;

  /** A new connection begins with a snapshot. */
  wait() {
    this.isWaiting = true;
  }

  /** Returns false if a version was missed or a change failed: then watch the topic again. */
  hear(message) {
    const { type, version } = message;
    if (WHOLES.has(type)) {
      this.takeWhole(message);
      this.isWaiting = this.isStale = false;
    } else {
      if (this.isWaiting) return true; // requested already
      this.isWaiting = version !== this.#version + 1 || !this.takeChange(message);
      if (this.isWaiting) return false;
    }
    this.#version = version;
    return true;
  }
}
