// Which answer belongs to which message. The protocol has no numbers for that, but an order: what a
// connection sent first is dealt with first.
//
//   sent    act  look  say  look
//   heard   error (re: act)  session  session      the act was refused, the line was said
//
// Most messages have no answer when all is well. A `look` behind them has one, and is no activity:
// whatever went before it and was not refused by then is done. One look at a time is enough.

import { Problem } from './calls.js';

const REFUSED = 400; // the `status` of a message that was refused, as of a call

export class Requests {
  #send;
  #waiting = []; // {type, isAnswer, resolve, reject}, in the order in which they were sent
  #isToLook = false;

  /** send(message) -> whether there is a connection to send it by. */
  constructor(send) {
    this.#send = send;
  }

  /**
   * Sends a message. Resolves to its answer, for which `isAnswer(message)` is true; without that,
   * to null as soon as the server is known to have done it. Rejects with a Problem: `status` 400 if
   * it was refused, and 0 if there is no connection, or none any more: then nobody knows.
   */
  ask(message, isAnswer = null) {
    return new Promise((resolve, reject) => {
      if (!this.#send(message)) {
        reject(new Problem(0, { code: 'no_connection' }));
        return;
      }
      this.#waiting.push({ type: message.type, isAnswer, resolve, reject });
      if (isAnswer === null) this.#lookSoon();
    });
  }

  /** Whoever else sends a message says so; every `look` has an answer. */
  sent({ type }) {
    if (type === 'look') this.#waiting.push({ type, isAnswer: () => false });
  }

  /** Returns whether the message answers something that was asked here. */
  hear(message) {
    if (message.type === 'session') return this.#settle();
    const isRefusal = message.type === 'error';
    const index = this.#waiting.findIndex(({ type, isAnswer }) =>
      (isRefusal ? type === message.re : isAnswer?.(message)));
    if (index === -1) return false;
    const [{ resolve, reject }] = this.#waiting.splice(index, 1);
    if (isRefusal) reject(new Problem(REFUSED, message));
    else resolve(message);
    return true;
  }

  /** The connection is gone, and with it all answers. */
  drop() {
    for (const { reject } of this.#waiting.splice(0)) reject?.(new Problem(0, { code: 'no_connection' }));
  }

  #settle() {
    const look = this.#waiting.findIndex(({ type }) => type === 'look');
    if (look === -1) return false;
    const before = this.#waiting.splice(0, look + 1);
    before.pop();
    for (const request of before) if (request.isAnswer === null) request.resolve(null);
    this.#waiting.unshift(...before.filter(({ isAnswer }) => isAnswer !== null));
    if (this.#waiting.some(({ isAnswer }) => isAnswer === null)) this.#lookSoon();
    return true;
  }

  // After whatever else is sent in the same breath.
  #lookSoon() {
    if (this.#isToLook) return;
    this.#isToLook = true;
    queueMicrotask(() => {
      this.#isToLook = false;
      const isUnderWay = this.#waiting.some(({ type }) => type === 'look');
      const isWanted = this.#waiting.some(({ isAnswer }) => isAnswer === null);
      if (isWanted && !isUnderWay) this.#send({ type: 'look' });
    });
  }
}
