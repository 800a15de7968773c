// Clocks: each shows the time until an instant given by the server.

import { onClock } from '/static/page/durations.js';

const EVERY = 200; // ms

export class Clocks {
  #shown = new Map(); // element -> {at, show, isOver}
  #onOver;
  #timer = 0;

  /** onOver(): a clock has reached zero. */
  constructor(onOver) {
    this.#onOver = onOver;
  }

  /** `show(clock, left)` writes "0:43" and the seconds into `element`. */
  set(element, at, show) {
    const shown = { at, show, isOver: at <= performance.now() };
    this.#shown.set(element, shown);
    draw(shown);
    if (this.#timer === 0) this.#timer = setInterval(() => this.#tick(), EVERY);
  }

  remove(element) {
    this.#shown.delete(element);
  }

  clear() {
    this.#shown.clear();
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  #tick() {
    let isNew = false;
    for (const [element, shown] of this.#shown) {
      if (!element.isConnected) {
        this.#shown.delete(element);
        continue;
      }
      draw(shown);
      const isOver = shown.at <= performance.now();
      isNew ||= isOver && !shown.isOver;
      shown.isOver = isOver;
    }
    if (isNew) this.#onOver();
    if (this.#shown.size === 0) this.clear();
  }
}

function draw({ at, show }) {
  const left = Math.max(0, (at - performance.now()) / 1000);
  show(onClock(left), left);
}
