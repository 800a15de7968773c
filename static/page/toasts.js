// Short messages that lie over the page for a while, and move nothing.

import { write } from '/static/page/elements.js';

const SHOWN_FOR = 6000; // ms
const timers = new WeakMap(); // element -> timer

/** Writes a text into an element that lies over the page, for a while; at once none if it is empty. */
export function toast(element, text) {
  clearTimeout(timers.get(element));
  write(element, text);
  if (text) timers.set(element, setTimeout(() => write(element, ''), SHOWN_FOR));
}
