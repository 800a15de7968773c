// Who is in the lobby: what the server told, version by version, and the list that shows it.

import { showAvatar, showStatus } from '/static/status.js';

// More rows than anybody reads would only slow the page down; the rest is a number.
const MOST_ROWS = 500;

/** The players of one topic. Only a `roster` can start it; a gap makes it wait for the next one. */
export class Roster {
  players = new Map(); // id -> {id, name, guest, status}
  total = 0;
  isWaiting = true;
  #version = 0;

  /** A new connection: whatever comes before its first `roster` belongs to nothing known. */
  wait() {
    this.isWaiting = true;
  }

  replace({ version, players, total }) {
    this.players = new Map(players.map((player) => [player.id, player]));
    this.total = total;
    this.#version = version;
    this.isWaiting = false;
  }

  /** Returns false if something was missed: then the caller has to ask for the roster again. */
  apply({ version, joined = [], changed = [], left = [], total }) {
    if (this.isWaiting) return true; // asked already
    if (version !== this.#version + 1) {
      this.isWaiting = true;
      return false;
    }
    this.#version = version;
    this.total = total;
    for (const id of left) this.players.delete(id);
    for (const player of joined) this.players.set(player.id, player);
    for (const { id, status } of changed) {
      const player = this.players.get(id); // unknown: beyond the rows a large lobby sends
      if (player) this.players.set(id, { ...player, status });
    }
    return true;
  }
}

/** Draws a roster into a list; a row lives as long as its player stays. */
export class RosterList {
  #elements;
  #rows = new Map(); // id -> li
  #order = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });

  /** elements: {list, total, unit, more} */
  constructor(elements) {
    this.#elements = elements;
  }

  draw(roster, ownId) {
    const { list, total, unit, more } = this.#elements;
    const shown = [...roster.players.values()]
      .sort((a, b) => this.#order.compare(a.name, b.name) || (a.id < b.id ? -1 : 1))
      .slice(0, MOST_ROWS);
    const stays = new Set(shown.map((player) => player.id));
    for (const [id, row] of this.#rows) {
      if (stays.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    const rows = shown.map((player) => this.#rowFor(player, player.id === ownId));
    let place = list.firstElementChild;
    for (const row of rows) {
      if (row === place) place = place.nextElementSibling;
      else list.insertBefore(row, place);
    }
    total.textContent = roster.total;
    unit.textContent = roster.total === 1 ? 'player' : 'players';
    const hiddenCount = roster.total - shown.length;
    more.hidden = hiddenCount <= 0;
    more.textContent = `and ${hiddenCount} more`;
  }

  #rowFor(player, isOwn) {
    let row = this.#rows.get(player.id);
    const isSame = row?.dataset.name === player.name && row.classList.contains('is-own') === isOwn;
    if (!isSame) {
      const fresh = newRow(player, isOwn);
      row?.replaceWith(fresh);
      row = fresh;
      this.#rows.set(player.id, row);
    }
    row.dataset.status = player.status;
    showStatus(row.lastElementChild, player.status);
    return row;
  }
}

function newRow(player, isOwn) {
  const row = document.createElement('li');
  row.dataset.playerId = player.id;
  row.dataset.name = player.name;
  row.classList.toggle('is-own', isOwn);
  const avatar = part('span', 'avatar', '');
  avatar.setAttribute('aria-hidden', 'true');
  showAvatar(avatar, player);
  const name = part('bdi', 'player-name', player.name); // a name may run right to left
  name.title = player.name;
  row.append(avatar, name);
  if (isOwn) row.append(part('span', 'tag', 'You'));
  else if (player.guest) row.append(part('span', 'guest', 'guest'));
  row.append(part('span', 'status', ''));
  return row;
}

function part(kind, className, text) {
  const element = document.createElement(kind);
  element.className = className;
  element.textContent = text;
  return element;
}
