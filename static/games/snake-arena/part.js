// Snake arena on the screen: the arena and four directions. The rules are the server's (server/games/snake_arena.py).

import { onClock } from '/static/page/durations.js';
import { isForGame, make, onPress, write } from '/static/page/elements.js';
import { headlineOf } from '/static/page/room-words.js';
import { ArenaPicture, colourOf, LETTERS } from './picture.js';

export { words } from './words.js';

export const style = '/static/games/snake-arena/style.css';
export const picture = `
  <rect x="4" y="6" width="40" height="36" rx="6" class="game-ground"/>
  <path d="M11 34h12a4 4 0 0 0 4-4v-3a4 4 0 0 1 4-4h6" class="game-line-one"/>
  <path d="M11 15h9a4 4 0 0 1 4 4v0" class="game-line-two"/>
  <circle cx="37" cy="23" r="3.4" class="game-one"/>
  <circle cx="35.5" cy="13.5" r="2.6" class="game-food"/>`;

const SWIPE = 18; // px

/** The keys of each, as they lie on the keyboard. */
const DIRECTIONS = {
  up: ['ArrowUp', 'KeyW'],
  left: ['ArrowLeft', 'KeyA'],
  right: ['ArrowRight', 'KeyD'],
  down: ['ArrowDown', 'KeyS'],
};

const REASONS = new Set(['last_alive', 'time_up', 'died_together']);

export default class SnakeArena {
  #table;
  #parts;
  #picture;
  #view = null;
  #isOver = false;
  #swipe = null;
  #stop = new AbortController();

  constructor(element, table) {
    this.#table = table;
    this.#parts = build(element, table.line);
    this.#picture = new ArenaPicture(this.#parts.canvas, {
      own: table.seat, you: () => table.say('you'), onFrame: (now) => this.#tellTime(now),
    });
    this.#listen();
  }

  static apply(view, diff) {
    const { moves, lengths = {}, died = {}, ...rest } = diff;
    const snakes = view.snakes.map((snake, seat) => {
      if (snake.died !== undefined) return snake;
      const length = lengths[seat] ?? snake.length;
      if (died[seat] !== undefined) return { cells: [], length, died: died[seat] };
      return { cells: [...moves[seat], ...snake.cells].slice(0, length), length };
    });
    return { ...view, ...rest, snakes };
  }

  /** The picture of a player beside the name. */
  static mark(view, seat) {
    const badge = make('span', 'snake-badge', LETTERS[seat]);
    badge.dataset.colour = colourOf(seat);
    return badge;
  }

  /** What is said of a player: the length of the snake. */
  static value({ snakes }, seat, say) {
    return say('length', { length: snakes[seat].length });
  }

  static isOut({ snakes }, seat) {
    return snakes[seat].died !== undefined;
  }

  draw({ view, outcome }) {
    const { say, seat: own } = this.#table;
    const isFirst = this.#view === null;
    const seats = new Map(this.#table.seats().map((each) => [each.seat, each]));
    this.#view = view;
    this.#isOver = outcome !== null;
    for (const seat of this.#picture.show(view, this.#isOver)) {
      if (seat !== own) write(this.#parts.heard, say('died', { name: nameOf(seats, seat) }));
    }
    this.#describe(outcome, isFirst, seats);
  }

  destroy() {
    this.#stop.abort();
    this.#picture.stop();
    this.#parts.line.remove();
  }

  // Steering

  get #isSteering() {
    return !this.#isOver && this.#own !== undefined && this.#own.died === undefined;
  }

  get #own() {
    return this.#view?.snakes[this.#table.seat ?? -1];
  }

  #turn(direction) {
    // A refused turn needs no message: the snake visibly does not turn.
    if (this.#isSteering) this.#table.act({ turn: direction }).catch(() => {});
  }

  #listen() {
    const { signal } = this.#stop;
    const { board, pad } = this.#parts;
    document.addEventListener('keydown', (event) => {
      if (!this.#isSteering || !isForGame(event)) return;
      const found = Object.entries(DIRECTIONS).find(([, keys]) => keys.includes(event.code));
      if (!found) return;
      event.preventDefault(); // the page must not scroll
      if (!event.repeat) this.#turn(found[0]);
    }, { signal });

    for (const [direction, button] of Object.entries(pad)) {
      // On touch, not when the finger is lifted: a tenth of a second is a cell.
      button.addEventListener('pointerdown', (event) => {
        if (event.button === 0) this.#turn(direction);
      }, { signal });
      onPress(button, (event) => {
        if (event.detail === 0) this.#turn(direction); // by keyboard
      });
    }

    board.addEventListener('pointerdown', (event) => {
      this.#swipe = { id: event.pointerId, x: event.clientX, y: event.clientY };
    }, { signal });
    // A finger that stays down can make the next turn.
    board.addEventListener('pointermove', (event) => {
      if (this.#swipe?.id !== event.pointerId) return;
      const x = event.clientX - this.#swipe.x;
      const y = event.clientY - this.#swipe.y;
      if (Math.hypot(x, y) < SWIPE) return;
      if (Math.abs(x) > Math.abs(y)) this.#turn(x > 0 ? 'right' : 'left');
      else this.#turn(y > 0 ? 'down' : 'up');
      this.#swipe = { id: event.pointerId, x: event.clientX, y: event.clientY };
    }, { signal });
    for (const end of ['pointerup', 'pointercancel']) {
      window.addEventListener(end, () => { this.#swipe = null; }, { signal });
    }
  }

  // Texts

  #describe(outcome, isFirst, seats) {
    const { say, seat: own } = this.#table;
    const { board, canvas, line, padGroup, pad, message, why, heard, length } = this.#parts;
    const { snakes } = this.#view;
    const alive = snakes.filter(({ died }) => died === undefined).length;
    const isOut = this.#own?.died !== undefined;

    line.classList.toggle('is-over', outcome !== null);
    board.classList.toggle('is-steered', this.#isSteering);
    padGroup.classList.toggle('is-idle', !this.#isSteering); // its place is kept
    padGroup.setAttribute('aria-label', say('pad'));
    for (const [direction, button] of Object.entries(pad)) {
      button.setAttribute('aria-label', say(direction));
    }
    canvas.setAttribute('aria-label', say('board', { count: alive }));
    write(length, this.#own === undefined || isOut
      ? say('alive', { count: alive })
      : say('own', { letter: LETTERS[own], length: this.#own.length }));

    board.classList.toggle('is-over', outcome !== null);
    board.classList.toggle('is-out', isOut && outcome === null);
    if (outcome !== null) {
      const because = this.#whyOf(outcome);
      write(message, headlineOf(outcome, [...seats.values()], own));
      write(why, because);
      write(heard, because); // the room says who has won
    } else if (isOut) {
      write(message, say('out'));
      write(why, '');
      write(heard, say('out'));
    } else {
      write(message, '');
      write(why, '');
      if (isFirst) {
        write(heard, this.#own ? say('ready', { letter: LETTERS[own] }) : say('watching'));
      }
    }
  }

  /** Returns why the match ended so, in the words of this game. */
  #whyOf({ winners, reason }) {
    const { say } = this.#table;
    const isOwnEnd = REASONS.has(reason);
    if (winners.length === 0) return isOwnEnd ? say('equal') : '';
    const length = Math.max(...winners.map((seat) => this.#view.snakes[seat].length));
    // The others resigned, or were signed out: the remaining snake has won anyway.
    return say(isOwnEnd ? reason : 'last_alive', { length });
  }

  #tellTime(now) {
    const { countdown, hint, time } = this.#parts;
    const { say } = this.#table;
    const { starts_at: starts, ends_at: ends, tick } = this.#view;
    const isWaiting = tick === 0 && !this.#isOver;
    write(time, say('time', { clock: onClock((ends - Math.max(now, starts)) / 1000) }));
    countdown.hidden = !isWaiting;
    hint.hidden = !isWaiting || this.#own === undefined;
    if (!isWaiting) return;
    write(countdown, `${Math.max(1, Math.ceil((starts - now) / 1000))}`);
    if (!hint.hidden) write(hint, say('ready', { letter: LETTERS[this.#table.seat] }));
  }
}

/** beside: the element of the page for a line of text. */
function build(element, beside) {
  const root = make('div', 'snake-arena');
  const board = make('div', 'snake-board');
  const canvas = make('canvas');
  canvas.setAttribute('role', 'img');
  const countdown = make('p', 'snake-countdown');
  countdown.setAttribute('aria-hidden', 'true'); // announced once, in words
  const hint = make('p', 'snake-hint');
  const banner = make('div', 'snake-banner');
  const message = make('p', 'snake-message');
  const why = make('p', 'snake-why');
  banner.append(message, why);
  board.append(canvas, countdown, hint, banner);
  const line = make('div', 'snake-line');
  const length = make('p', 'snake-length');
  const time = make('p', 'snake-time');
  line.append(length, time);
  const padGroup = make('div', 'snake-pad');
  padGroup.setAttribute('role', 'group');
  const pad = {};
  for (const direction of Object.keys(DIRECTIONS)) {
    pad[direction] = make('button', `snake-${direction}`);
    pad[direction].type = 'button';
    padGroup.append(pad[direction]);
  }
  const heard = make('p', 'heard-only');
  heard.setAttribute('role', 'status');
  root.append(board, padGroup, heard);
  element.append(root);
  beside.append(line);
  return { board, canvas, countdown, hint, message, why, line, length, time, padGroup, pad, heard };
}

const nameOf = (seats, seat) => seats.get(seat)?.name ?? LETTERS[seat];
