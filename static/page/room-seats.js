// The seats: players, their states, and their clocks.

import { byId, make, onPress, write } from '/static/page/elements.js';
import { KeyedList } from '/static/page/keyed-list.js';
import { onLanguage, say } from '/static/page/language.js';
import { freeSeats, isInMatch } from '/static/page/room-board.js';
import { newAvatar, newName, showStatus } from '/static/page/status.js';

const THINKING = 10_000; // ms of a turn before a player may be asked "are you there?"
const BETWEEN = 60_000; // ms between two such questions
const LOW = 15; // seconds left on the player's own clock
const READABLE = 10; // seconds of a turn; in a shorter one, as in the snake arena, a clock would flicker
const ASKABLE = new Set(['active', 'away', 'warned']);

export class RoomSeats {
  #clocks;
  #do;
  #onOwnClock;
  #rows = new KeyedList(byId('seat-list'));
  #since = new Map(); // seat -> since when the match waits for it
  #asked = new Map(); // seat -> when its player was asked last
  #match = null;

  /**
   * clocks: Clocks; act(what): does something in the room and shows problems; onOwnClock({clock,
   * left, isLow}): the player's own clock has moved.
   */
  constructor(clocks, { act, onOwnClock }) {
    this.#clocks = clocks;
    this.#do = act;
    this.#onOwnClock = onOwnClock;
    onLanguage(() => this.clear());
  }

  clear() {
    this.#rows.clear();
    this.#since.clear();
    this.#asked.clear();
  }

  /** policy: of the game; undefined until known. */
  draw(room, policy) {
    const { info } = room;
    const waits = info.match?.waits_for ?? [];
    if (this.#match !== info.match?.id) this.#since.clear();
    this.#match = info.match?.id ?? null;
    for (const number of this.#since.keys()) if (!waits.includes(number)) this.#since.delete(number);
    for (const number of waits) if (!this.#since.has(number)) this.#since.set(number, performance.now());

    // If the match waits for all players, there is no turn to show.
    const playing = Object.values(info.seats).filter((seat) => seat.brb_left !== undefined).length;
    const turns = waits.length < playing ? waits : [];

    const taken = Object.entries(info.seats).filter(([, { player }]) => player !== undefined);
    this.#rows.draw(taken, {
      keyOf: ([key]) => Number(key),
      partsOf: ([key, seat], known) => {
        const number = Number(key);
        const parts = this.#partsOf(number, seat.player, known);
        this.#drawSeat(parts, number, seat, room, { policy, isTurn: turns.includes(number) });
        return parts;
      },
    });
    const free = freeSeats(info);
    byId('free-seats').hidden = free === 0;
    write(byId('free-text'), say('play.free', { count: free }));
  }

  #partsOf(number, player, known) {
    if (known?.player.id === player.id && known.player.name === player.name) return known;
    const parts = {
      player,
      element: make('li', 'seat'),
      tags: make('span', 'seat-tags'),
      status: make('span', 'status'),
      note: make('p', 'seat-note muted'),
      clock: make('div', 'seat-clock'),
      left: make('span', 'seat-left'),
      bar: make('i'),
      ask: make('button', 'seat-ask', say('seat.ask')),
    };
    const head = make('p', 'seat-head');
    head.append(newName(player), parts.tags);
    const who = make('div', 'seat-who');
    who.append(head, parts.note);
    const track = make('span', 'bar');
    track.setAttribute('aria-hidden', 'true');
    track.append(parts.bar);
    parts.clock.append(track, parts.left);
    parts.ask.type = 'button';
    onPress(parts.ask, () => this.#ask(number, parts));
    parts.element.append(newAvatar(player), who, parts.status, parts.clock, parts.ask);
    return parts;
  }

  #drawSeat(parts, number, seat, room, { policy, isTurn }) {
    const isOwn = number === room.seat;
    parts.element.dataset.seat = number;
    parts.element.classList.toggle('is-own', isOwn);
    parts.element.classList.toggle('is-waited-for', isTurn);
    parts.element.classList.toggle('is-gone', seat.gone === true);
    showStatus(parts.status, isOwn && room.isStale ? 'reconnecting' : seat.status);
    const tags = [
      isOwn && 'lobby.you', seat.player.id === room.info.host && 'seat.host', seat.bot && 'seat.bot_tag',
      seat.gone && 'seat.out_tag',
    ].filter(Boolean);
    if (parts.tags.dataset.tags !== tags.join()) {
      parts.tags.dataset.tags = tags.join();
      parts.tags.replaceChildren(...tags.map((key) => make('span', 'tag', say(key))));
    }
    this.#drawNote(parts.note, seat, isTurn, isOwn);
    this.#drawClock(parts, seat, isOwn, policy);
    this.#drawAsk(parts.ask, number, seat, room);
  }

  #drawNote(note, seat, isTurn, isOwn) {
    const [at, key, values] = noteOf(seat, isTurn, isOwn);
    this.#clocks.remove(note);
    if (at === undefined) write(note, key === null ? '' : say(key, values));
    else this.#clocks.set(note, at, (clock) => write(note, say(key, { clock, ...values })));
  }

  #drawClock({ clock, left, bar, element: row }, { move_at: at }, isOwn, policy) {
    const span = policy?.move_time ?? 60;
    const isShown = at !== undefined && span >= READABLE;
    clock.hidden = !isShown;
    row.classList.remove('is-low');
    this.#clocks.remove(clock);
    if (at === undefined) {
      if (isOwn) this.#onOwnClock(null);
      return;
    }
    this.#clocks.set(clock, at, (text, seconds) => {
      write(left, text);
      bar.style.transform = `scaleX(${Math.min(1, seconds / span)})`;
      const isLow = isOwn && seconds <= Math.min(LOW, span / 2);
      row.classList.toggle('is-low', isLow && isShown);
      if (isOwn) this.#onOwnClock({ clock: text, left: seconds, isLow });
    });
  }

  #drawAsk(button, number, seat, room) {
    const { info } = room;
    const mayAsk = isInMatch(room) && number !== room.seat && (info.match.waits_for ?? []).includes(number)
      && ASKABLE.has(seat.status) && !seat.absent && !seat.bot && !seat.back_at && !seat.asked && !room.isStale;
    button.setAttribute('aria-label', say('seat.ask_name', { name: seat.player.name }));
    this.#clocks.remove(button);
    if (!mayAsk) {
      button.hidden = true;
      return;
    }
    const since = (this.#since.get(number) ?? 0) + THINKING;
    const again = (this.#asked.get(number) ?? -Infinity) + BETWEEN;
    this.#clocks.set(button, Math.max(since, again), (_, left) => { button.hidden = left > 0; });
  }

  async #ask(number, { ask }) {
    ask.hidden = true;
    if (await this.#do((room) => room.pulse(number))) this.#asked.set(number, performance.now());
    else ask.hidden = false;
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
