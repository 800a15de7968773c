// Helpers for elements. Text is set as text, so nothing that was typed becomes markup.

export const byId = (id) => document.getElementById(id);

/** Makes an element with a class and a text. */
export function make(kind, className = '', text = '') {
  const element = document.createElement(kind);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** A new element of a picture. */
export function svg(kind, attributes = {}) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** One of the shapes in index.html; hidden from screen readers, as words beside it say the same. */
export function shape(id) {
  const picture = svg('svg', { 'aria-hidden': 'true' });
  picture.append(svg('use', { href: `#${id}` }));
  return picture;
}

/** Writes a text if it differs: live regions read out whatever is written. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Offers these values in a select, [[value, text], …]. Chosen is the first of `wanted` that is among them, otherwise
 * the first.
 */
export function fillSelect(select, offered, ...wanted) {
  const key = JSON.stringify(offered);
  if (select.dataset.offered === key) return;
  select.dataset.offered = key;
  const values = offered.map(([value]) => `${value}`);
  const chosen = wanted.find((each) => values.includes(`${each}`));
  select.replaceChildren(...offered.map(([value, text]) => new Option(text, value)));
  if (chosen !== undefined) select.value = chosen;
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** True if the player prefers reduced motion. */
export const isCalm = () => calm.matches;

const PRESSES = new Set([' ', 'Enter']);

/** Calls `act` on clicks, but not on repeats of a key that has been held since another button had the focus, such as
 * the one that answers the warning. */
export function onPress(button, act) {
  button.addEventListener('click', act);
  button.addEventListener('keydown', (event) => {
    if (event.repeat && PRESSES.has(event.key)) event.preventDefault();
  });
}

const TYPED_INTO = 'input, select, textarea, [contenteditable]';

/** Whether a key that was pressed somewhere is for the game: it is no shortcut, nothing that is typed into has the
 * focus, and no dialog is open. */
export function isForGame(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return false;
  return !event.target.closest?.(TYPED_INTO) && document.querySelector('dialog[open]') === null;
}
