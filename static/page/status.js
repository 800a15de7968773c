// A status as a shape and a word; not by colour alone, for accessibility.

import { make, shape } from '/static/page/elements.js';
import { inBrief } from '/static/page/durations.js';
import { say } from '/static/page/language.js';

const KNOWN = new Set(['active', 'away', 'warned', 'reconnecting', 'offline']);

/** Makes `element` the chip of `status`. Writes nothing if it shows that already. */
export function showStatus(element, status, awaySince = null) {
  const word = wordFor(status, awaySince);
  if (element.dataset.status === status && element.textContent === word) return;
  element.classList.add('chip');
  element.dataset.status = status;
  element.replaceChildren(shape(`shape-${KNOWN.has(status) ? status : 'offline'}`), word);
}

function wordFor(status, awaySince) {
  if (status === 'away' && awaySince !== null) {
    const seconds = (performance.now() - awaySince) / 1000;
    if (seconds >= 60) return say('status.away_for', { duration: inBrief(seconds) });
  }
  return KNOWN.has(status) ? say(`status.${status}`) : status;
}

/** A new avatar of a player; hidden from screen readers, as the name beside it says more. */
export function newAvatar(player) {
  const avatar = make('span', 'avatar');
  avatar.setAttribute('aria-hidden', 'true');
  showAvatar(avatar, player);
  return avatar;
}

/** Returns a player's name; of a bot, that it is one. */
export const markedName = ({ name, bot }) => (bot ? say('bot.named', { name }) : name);

/** A new element with a player's name, which is shown whole under the pointer. */
export function newName({ name }) {
  const element = make('bdi', 'player-name one-line', name); // it may run right to left
  element.title = name;
  return element;
}

/** The first letter of the name, on a hue derived from the player's id. */
export function showAvatar(element, { id, name }) {
  let hue = 0;
  for (const letter of id) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  element.style.setProperty('--hue', hue);
  element.textContent = ([...name][0] ?? '?').toUpperCase();
}
