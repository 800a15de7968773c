// The players of a match over its board: their marks, names and clocks, and what the game and the room say of each.

import { byId, make, onPress, write } from '/static/page/elements.js';
import { sayOf } from '/static/page/games.js';
import { KeyedList } from '/static/page/keyed-list.js';
import { onLanguage, say } from '/static/page/language.js';
import { isInMatch, turnsOf } from '/static/page/room-board.js';
import { newAvatar } from '/static/page/status.js';

const THINKING = 10_000; // ms of a turn before a player may be asked "are you there?"
const BETWEEN = 60_000; // ms between two such questions
const LOW = 15; // seconds left on the player's own clock
const URGENT = 10; // seconds left on any clock that is shown in red
const READABLE = 10; // seconds of a turn; in a shorter one, as in the snake arena, a clock would flicker
const ASKABLE = new Set(['active', 'away', 'warned']);

export class Strip {
  #clocks;
  #do;
  #onOwnClock;
  #chips = new KeyedList(byId('strip'));
  #Part = null;
  #say = null;
  #since = new Map(); // seat -> since when the match waits for it
  #asked = new Map(); // seat -> when its player was asked last
  #match = null;

  /**
   * clocks: Clocks; act(what): does something in the room and shows problems; onOwnClock({clock, left, isLow}): the
   * player's own clock has moved, or (null) stands still.
   */
  constructor(clocks, { act, onOwnClock }) {
    this.#clocks = clocks;
    this.#do = act;
    this.#onOwnClock = onOwnClock;
    onLanguage(() => this.#chips.clear());
  }

  /** Part: the class of the game's page part, or null. */
  use(game, Part) {
    this.clear();
    this.#Part = Part;
    this.#say = sayOf(game);
  }

  clear() {
    this.#chips.clear();
    this.#since.clear();
    this.#asked.clear();
    this.#match = null;
  }

  /** policy: of the game; undefined until known. */
  draw(room, policy) {
    const { info: { match, seats }, view } = room;
    if (match === undefined || view === null) {
      this.clear();
      this.#onOwnClock(null);
      return;
    }
    if (this.#match !== match.id) this.clear();
    this.#match = match.id;
    this.#noteWaits(match.waits_for ?? []);
    const turns = turnsOf(room.info);
    const players = match.players.map((player, number) => {
      const seat = seats[number]?.player?.id === player.id ? seats[number] : null;
      const isOwn = number === room.seat && seat !== null;
      return { number, player, seat, isOwn, isTurn: turns.includes(number) };
    });
    players.sort((one, other) => Number(other.isOwn) - Number(one.isOwn));
    if (!players.some(({ isOwn }) => isOwn)) this.#onOwnClock(null);
    this.#chips.draw(players, {
      keyOf: ({ number }) => number,
      partsOf: (each, known) => {
        const parts = known ?? this.#newChip(each, view);
        this.#drawChip(parts, each, room, policy);
        return parts;
      },
    });
    const isLong = players.length > 2;
    byId('strip').classList.toggle('is-long', isLong);
    byId('strip').tabIndex = isLong ? 0 : -1; // it can be scrolled
  }

  #noteWaits(waits) {
    for (const number of this.#since.keys()) if (!waits.includes(number)) this.#since.delete(number);
    for (const number of waits) if (!this.#since.has(number)) this.#since.set(number, performance.now());
  }

  #newChip({ number, player }, view) {
    const parts = {
      element: make('li', 'player-chip'),
      about: make('span', 'chip-about one-line'),
      clock: make('span', 'chip-clock'),
      bar: make('i', 'chip-bar'),
      ask: make('button', 'chip-ask', '?'),
    };
    const mark = make('span', 'chip-mark');
    mark.append(this.#guard(() => this.#Part?.mark?.(view, number)) ?? newAvatar(player));
    mark.setAttribute('aria-hidden', 'true');
    parts.bar.setAttribute('aria-hidden', 'true');
    parts.ask.type = 'button';
    parts.ask.title = say('seat.ask');
    parts.ask.setAttribute('aria-label', say('seat.ask_name', { name: player.name }));
    onPress(parts.ask, () => this.#ask(number, parts.ask));
    const below = make('span', 'chip-below');
    below.append(parts.about, ' ', parts.clock);
    const text = make('span', 'chip-text');
    text.append(make('bdi', 'chip-name one-line', player.name), ' ', below);
    parts.element.dataset.seat = number;
    parts.element.append(mark, text, parts.ask, parts.bar);
    return parts;
  }

  #drawChip(parts, { number, player, seat, isOwn, isTurn }, room, policy) {
    const { view, info: { match } } = room;
    const isOut = seat === null || seat.gone === true || this.#guard(() => this.#Part?.isOut?.(view, number)) === true;
    const { classList } = parts.element;
    classList.toggle('is-own', isOwn);
    classList.toggle('is-turn', isTurn);
    classList.toggle('is-out', isOut);
    classList.toggle('is-winner', match.outcome?.winners.includes(number) === true);
    if (isTurn) parts.element.setAttribute('aria-current', 'true');
    else parts.element.removeAttribute('aria-current');
    const note = newsOf(seat, isOwn);
    const value = this.#guard(() => this.#Part?.value?.(view, number, this.#say)) ?? '';
    const kind = isOwn ? say('lobby.you') : player.bot && say(`level.${player.level}`);
    write(parts.about, [kind, note.text || value].filter(Boolean).join(' · '));
    this.#drawClock(parts, seat, note, { isOwn, span: policy?.move_time ?? 60 });
    this.#drawAsk(parts.ask, number, seat, room);
  }

  #drawClock({ element, clock, bar }, seat, note, { isOwn, span }) {
    const moves = seat?.move_at !== undefined && span >= READABLE ? seat.move_at : undefined;
    const at = note.at ?? moves;
    const ofMove = at !== undefined && at === moves;
    clock.hidden = at === undefined;
    bar.hidden = !ofMove;
    element.classList.remove('is-low');
    this.#clocks.remove(clock);
    if (isOwn && seat.move_at === undefined) this.#onOwnClock(null);
    if (isOwn && seat.move_at !== undefined) {
      this.#clocks.set(element, seat.move_at, (text, left) => {
        this.#onOwnClock({ clock: text, left, isLow: left <= Math.min(LOW, span / 2) });
      });
    } else this.#clocks.remove(element);
    if (at === undefined) return;
    this.#clocks.set(clock, at, (text, left) => {
      write(clock, text);
      if (!ofMove) return;
      bar.style.transform = `scaleX(${Math.min(1, left / span)})`;
      element.classList.toggle('is-low', left < URGENT);
    });
  }

  #drawAsk(button, number, seat, room) {
    const waits = room.info.match.waits_for ?? [];
    const mayAsk = seat !== null && isInMatch(room) && number !== room.seat && waits.includes(number)
      && ASKABLE.has(seat.status) && !seat.absent && !seat.bot && !seat.back_at && !seat.asked && !room.isStale;
    this.#clocks.remove(button);
    if (!mayAsk) {
      button.hidden = true;
      return;
    }
    const since = (this.#since.get(number) ?? 0) + THINKING;
    const again = (this.#asked.get(number) ?? -Infinity) + BETWEEN;
    this.#clocks.set(button, Math.max(since, again), (_, left) => { button.hidden = left > 0; });
  }

  async #ask(number, button) {
    button.hidden = true;
    if (await this.#do((room) => room.pulse(number))) this.#asked.set(number, performance.now());
    else button.hidden = false;
  }

  // A bug of the game must not stop the drawing of the room.
  #guard(call) {
    try {
      return call();
    } catch (error) {
      reportError(error);
      return undefined;
    }
  }
}

/** {text, at}: the most important news of a seat, and until when it holds; null: the player has left. */
function newsOf(seat, isOwn) {
  if (seat === null) return { text: say('strip.left') };
  if (seat.gone) return { text: say('seat.out_tag') };
  if (seat.back_at !== undefined) return { text: say('strip.back'), at: seat.back_at };
  if (seat.asked) return { text: say('strip.asked'), at: seat.asked.expires_at };
  if (seat.absent && !isOwn) {
    const { left, claim_at: claim, resigns_at: resigns } = seat.absent;
    return { text: say(left ? 'strip.left' : 'strip.lost'), at: resigns ?? claim };
  }
  if (seat.bot) return { text: say('seat.bot_tag') };
  if (seat.signs_out_at !== undefined) return { text: say('strip.idle'), at: seat.signs_out_at };
  if (seat.wants_more) return { text: say('strip.again') };
  return { text: '' };
}
