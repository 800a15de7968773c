// Matches answers to requests by `id`, which the server repeats in `done` and `error`.

import { Problem } from './calls.js';

const REFUSED = 400; // the `status` of a refused message
const lost = () => new Problem(0, { code: 'no_connection' });

export class Requests {
  #send;
  #waiting = new Map(); // id -> {resolve, reject}

  /** send(message) -> its id; 0 if there is no connection. */
  constructor(send) {
    this.#send = send;
  }

  /**
   * Resolves to null when the server has done the request. Rejects with a Problem: `status` 400 if
   * refused; 0 if there is no connection, or it is lost first and the outcome is unknown.
   */
  ask(message) {
    return new Promise((resolve, reject) => {
      const id = this.#send(message);
      if (id === 0) reject(lost());
      else this.#waiting.set(id, { resolve, reject });
    });
  }

  /** Returns true if the message answers a request. */
  hear(message) {
    const request = this.#waiting.get(message.id);
    if (request === undefined || !['done', 'error'].includes(message.type)) return false;
    this.#waiting.delete(message.id);
    if (message.type === 'done') request.resolve(null);
    else request.reject(new Problem(REFUSED, message));
    return true;
  }

  /** Rejects all requests, as the connection is lost. */
  drop() {
    for (const { reject } of this.#waiting.values()) reject(lost());
    this.#waiting.clear();
  }
}
