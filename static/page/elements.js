// Shorthands for the page's elements. Text goes in as text: nothing anybody typed becomes markup.

const SVG = 'http://www.w3.org/2000/svg';

export const byId = (id) => document.getElementById(id);

/** A new element with a class and a text. */
export function make(kind, className = '', text = '') {
  const element = document.createElement(kind);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** One of the page's own shapes; a picture of what is said in words beside it. */
export function shape(id) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#${id}`);
  svg.append(use);
  return svg;
}

/** Writes only what is new: a live region repeats whatever is written to it. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** Whether the player wants no movement. */
export const isCalm = () => calm.matches;

/** A click, but never the repeats of a key that is still held from answering the warning. */
export function onPress(button, act) {
  button.addEventListener('click', act);
  button.addEventListener('keydown', (event) => event.repeat && event.preventDefault());
}
