// A status as people see it: a shape and a word, never a colour alone.

const WORDS = {
  active: 'Active',
  away: 'Away',
  warned: 'Timing out',
  reconnecting: 'Reconnecting',
  offline: 'Offline',
};
const SVG = 'http://www.w3.org/2000/svg';

/** Makes `element` the chip of `status`; what is right already stays untouched. */
export function showStatus(element, status) {
  if (element.dataset.status === status) return;
  const shape = document.createElementNS(SVG, 'svg');
  shape.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#shape-${status in WORDS ? status : 'offline'}`);
  shape.append(use);
  element.classList.add('chip');
  element.dataset.status = status;
  element.replaceChildren(shape, WORDS[status] ?? status);
}

/** The first letter on a hue of the player's own, so that a row is found again at a glance. */
export function showAvatar(element, { id, name }) {
  let hue = 0;
  for (const letter of id) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  element.style.setProperty('--hue', hue);
  element.textContent = ([...name][0] ?? '?').toUpperCase();
}
