// Shorthands for the page's elements. Text is set as text, so nothing that was typed becomes markup.

const SVG = 'http://www.w3.org/2000/svg';

export const byId = (id) => document.getElementById(id);

/** A new element with a class and a text. */
export function make(kind, className = '', text = '') {
  const element = document.createElement(kind);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** One of the shapes in index.html; hidden from screen readers, as words beside it say the same. */
export function shape(id) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#${id}`);
  svg.append(use);
  return svg;
}

/** Writes a text that differs: a live region reads out whatever is written to it. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** Whether the player wants no movement. */
export const isCalm = () => calm.matches;

/** A click, but not by the repeats of a key that is held since the warning was answered. */
export function onPress(button, act) {
  button.addEventListener('click', act);
  button.addEventListener('keydown', (event) => event.repeat && event.preventDefault());
}
