// A list that the server sends in pages, newest first, with a button for the next page.

import { onPress } from '/static/page/elements.js';
import { attemptIn } from '/static/page/problems.js';

export class PagedList {
  items = [];
  #next = null;
  #hasFailed = false;
  #more;
  #error;
  #load;
  #draw;

  /** load(after) -> {items, next}, null for the first page; draw(): `items` have changed. */
  constructor({ more, error, load, draw }) {
    this.#more = more;
    this.#error = error;
    this.#load = load;
    this.#draw = draw;
    onPress(more, () => this.#get(this.#next));
  }

  /** Loads the first page again. */
  open() {
    return this.#get(null);
  }

  /** After an outage: loads what failed to load. */
  async retry() {
    if (this.#hasFailed) await this.open();
  }

  clear() {
    this.items = [];
    this.#next = null;
    this.#hasFailed = false;
  }

  async #get(after) {
    const isDone = await attemptIn(this.#error, async () => {
      const page = await this.#load(after);
      this.items = after === null ? page.items : [...this.items, ...page.items];
      this.#next = page.next;
      this.#more.hidden = page.next === null;
      this.#draw();
    }, this.#more);
    if (isDone !== null) this.#hasFailed = !isDone;
  }
}
