// One topic as this page knows it: all of it once per connection, then change by change.

const WHOLES = new Set(['roster', 'rooms', 'room']); // types of the messages that have all of a topic

/** Subclasses take the messages in: `takeWhole(message)`, and `takeChange(message)` -> success. */
export class Mirror {
  /** There is no connection, or nothing has come over it yet: this is how it was. */
  isStale = true;
  /** All of it was asked for and has not come: changes belong to nothing known. */
  isWaiting = true;
  #version = 0;

  /** A new connection: only a whole can start it. */
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
      if (this.isWaiting) return true; // asked for already
      this.isWaiting = version !== this.#version + 1 || !this.takeChange(message);
      if (this.isWaiting) return false;
    }
    this.#version = version;
    return true;
  }
}
