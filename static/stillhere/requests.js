// Which answer belongs to which message: by its id, which the server repeats in `done` and `error`.

import { Problem } from './calls.js';

const REFUSED = 400; // the `status` of a message that was refused, as of a call
const lost = () => new Problem(0, { code: 'no_connection' });

export class Requests {
  #send;
  #waiting = new Map(); // id -> {resolve, reject}

  /** send(message) -> its id; 0 if there is no connection. */
  constructor(send) {
    this.#send = send;
  }

  /**
   * Resolves to null when the server has done what the message asks for. Rejects with a Problem:
   * `status` 400 if it refuses, 0 if there is no connection, or it is lost first: then nobody knows.
   */
  ask(message) {
    return new Promise((resolve, reject) => {
      const id = this.#send(message);
      if (id === 0) reject(lost());
      else this.#waiting.set(id, { resolve, reject });
    });
  }

  /** Returns whether the message answers something that was asked here. */
  hear(message) {
    const request = this.#waiting.get(message.id);
    if (request === undefined || !['done', 'error'].includes(message.type)) return false;
    this.#waiting.delete(message.id);
    if (message.type === 'done') request.resolve(null);
    else request.reject(new Problem(REFUSED, message));
    return true;
  }

  /** The connection is gone, and with it all answers. */
  drop() {
    for (const { reject } of this.#waiting.values()) reject(lost());
    this.#waiting.clear();
  }
}
