// The list of players. Only visible rows are in the page, as 5,000 rows take seconds to lay out.
// The list has its full height, and each row is moved to its place.

import { coalesce } from '/static/page/coalesce.js';
import { make } from '/static/page/elements.js';
import { KeyedList } from '/static/page/keyed-list.js';
import { onLanguage, say } from '/static/page/language.js';
import { newAvatar, newName, showStatus } from '/static/page/status.js';

const OVERSCAN = 8; // rows beyond each edge, for scrolling and screen readers
const FEW = 200; // players up to which all rows are in the page, for the browser's search and for print
const RETELL = 15_000; // ms between two updates of how long players have been away

export class RosterList {
  #list;
  #onEdge;
  #rows;
  #players = [];
  #ownId = null;
  #rowHeight = 0;
  #schedule = coalesce(() => this.#draw(), (run) => requestAnimationFrame(run));

  /** onEdge(): the last row has become visible. */
  constructor(list, { onEdge }) {
    this.#list = list;
    this.#rows = new KeyedList(list);
    this.#onEdge = onEdge;
    window.addEventListener('scroll', this.#schedule, { passive: true });
    new ResizeObserver(() => {
      this.#rowHeight = 0; // font or width have changed
      this.#schedule();
    }).observe(list);
    onLanguage(() => {
      this.#rows.clear();
      this.#schedule();
    });
    setInterval(this.#schedule, RETELL);
  }

  /** Shows these players, in this order. */
  show(players, ownId) {
    this.#players = players;
    this.#ownId = ownId;
    this.#schedule();
  }

  #draw() {
    const list = this.#list;
    if (list.offsetParent === null && this.#players.length > 0) return; // the list is hidden
    const height = this.#measure();
    list.style.height = `${height * this.#players.length}px`;
    const top = list.getBoundingClientRect().top;
    const count = this.#players.length;
    const isWhole = count <= FEW;
    const first = isWhole ? 0 : Math.max(0, Math.floor(-top / height) - OVERSCAN);
    const edge = Math.ceil((innerHeight - top) / height) + OVERSCAN;
    const last = isWhole ? count : Math.min(count, edge);
    const shown = this.#players.slice(first, last);
    const focused = document.activeElement?.closest?.('#roster li')?.dataset.playerId;
    let at = first;
    this.#rows.draw(shown, {
      keyOf: ({ id }) => id,
      partsOf: (player, known) => {
        const parts = this.#partsOf(player, known);
        parts.element.style.transform = `translateY(${at * height}px)`;
        at += 1;
        parts.element.setAttribute('aria-posinset', at);
        parts.element.setAttribute('aria-setsize', count);
        return parts;
      },
      keeps: (id) => id === focused,
    });
    if (edge >= count && count > 0) this.#onEdge();
  }

  #measure() {
    if (this.#rowHeight === 0) {
      const probe = make('li');
      this.#list.append(probe);
      this.#rowHeight = probe.getBoundingClientRect().height || 56;
      probe.remove();
    }
    return this.#rowHeight;
  }

  #partsOf(player, known) {
    const isOwn = player.id === this.#ownId;
    const isSame = known?.name === player.name && known.isOwn === isOwn;
    const parts = isSame ? known : { element: newRow(player, isOwn), name: player.name, isOwn };
    parts.element.dataset.status = player.status;
    showStatus(parts.element.lastElementChild, player.status, player.awaySince);
    return parts;
  }
}

function newRow(player, isOwn) {
  const row = make('li', isOwn ? 'is-own' : '');
  row.dataset.playerId = player.id;
  row.append(newAvatar(player), newName(player));
  if (isOwn) row.append(make('span', 'tag', say('lobby.you')));
  else if (player.guest) row.append(make('span', 'guest', say('lobby.guest')));
  row.append(make('span', 'status'));
  return row;
}
