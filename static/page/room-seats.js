// The list of the seats: players, their states, and what there is to know about each.

import { byId, make, write } from '/static/page/elements.js';
import { KeyedList } from '/static/page/keyed-list.js';
import { onLanguage, say } from '/static/page/language.js';
import { freeSeats, turnsOf } from '/static/page/room-board.js';
import { newAvatar, newName, showStatus } from '/static/page/status.js';

export class RoomSeats {
  #clocks;
  #rows = new KeyedList(byId('seat-list'));

  constructor(clocks) {
    this.#clocks = clocks;
    onLanguage(() => this.clear());
  }

  clear() {
    this.#rows.clear();
  }

  draw(room) {
    const { info } = room;
    const turns = turnsOf(info);
    const taken = Object.entries(info.seats).filter(([, { player }]) => player !== undefined);
    this.#rows.draw(taken, {
      keyOf: ([key]) => Number(key),
      partsOf: ([key, seat], known) => {
        const number = Number(key);
        const parts = this.#partsOf(seat.player, known);
        this.#drawSeat(parts, number, seat, room, turns.includes(number));
        return parts;
      },
    });
    const free = freeSeats(info);
    byId('free-seats').hidden = free === 0;
    write(byId('free-text'), say('play.free', { count: free }));
  }

  #partsOf(player, known) {
    if (known?.player.id === player.id && known.player.name === player.name) return known;
    const parts = {
      player,
      element: make('li', 'seat'),
      tags: make('span', 'seat-tags'),
      status: make('span', 'status'),
      note: make('p', 'seat-note muted'),
    };
    const head = make('p', 'seat-head');
    head.append(newName(player), parts.tags);
    const who = make('div', 'seat-who');
    who.append(head, parts.note);
    parts.element.append(newAvatar(player), who, parts.status);
    return parts;
  }

  #drawSeat(parts, number, seat, room, isTurn) {
    const isOwn = number === room.seat;
    parts.element.dataset.seat = number;
    parts.element.classList.toggle('is-own', isOwn);
    parts.element.classList.toggle('is-waited-for', isTurn);
    parts.element.classList.toggle('is-gone', seat.gone === true);
    showStatus(parts.status, isOwn && room.isStale ? 'reconnecting' : seat.status);
    const tags = [
      isOwn && 'lobby.you', seat.player.id === room.info.host && 'seat.host', (seat.bot || seat.player.bot) && 'seat.bot_tag',
      seat.gone && 'seat.out_tag',
    ].filter(Boolean);
    if (parts.tags.dataset.tags !== tags.join()) {
      parts.tags.dataset.tags = tags.join();
      parts.tags.replaceChildren(...tags.map((key) => make('span', 'tag', say(key))));
    }
    this.#drawNote(parts.note, seat, isTurn, isOwn);
  }

  #drawNote(note, seat, isTurn, isOwn) {
    const [at, key, values] = noteOf(seat, isTurn, isOwn);
    this.#clocks.remove(note);
    if (at === undefined) write(note, key === null ? '' : say(key, values));
    else this.#clocks.set(note, at, (clock) => write(note, say(key, { clock, ...values })));
  }
}

/** [until when, key, values]: the most important note about a seat. */
function noteOf(seat, isTurn, isOwn) {
  if (seat.gone) return [undefined, 'seat.out'];
  if (seat.reserved_at !== undefined) return [seat.reserved_at, 'seat.reserved'];
  if (seat.back_at !== undefined) return [seat.back_at, isOwn ? 'seat.back_own' : 'seat.back'];
  if (seat.bot) return [undefined, isOwn ? 'seat.bot_own' : 'seat.bot'];
  if (seat.asked) return [seat.asked.expires_at, isOwn ? 'seat.asked_own' : 'seat.asked', { name: seat.asked.by }];
  if (seat.signs_out_at !== undefined) return [seat.signs_out_at, isOwn ? 'seat.idle_own' : 'seat.idle'];
  if (seat.skipped) return [undefined, 'seat.skipped', { count: seat.skipped }];
  if (seat.wants_more) return [undefined, 'seat.wants'];
  if (isTurn) return [undefined, isOwn ? 'seat.turn_own' : 'seat.turn'];
  return [undefined, null];
}
