// Snake arena on the screen: a canvas that glides from tick to tick, four ways to steer, and who is
// still alive. The rules are the server's (server/games/snake_arena.py).

import { onClock } from '/static/page/durations.js';
import { isCalm, make, onPress, write } from '/static/page/elements.js';
import { namesOf } from '/static/page/language.js';

export { words } from './words.js';

export const style = '/static/games/snake-arena/style.css';
export const picture = `
  <rect x="4" y="6" width="40" height="36" rx="6" class="game-ground"/>
  <path d="M11 34h12a4 4 0 0 0 4-4v-3a4 4 0 0 1 4-4h6" class="game-line-one"/>
  <path d="M11 15h9a4 4 0 0 1 4 4v0" class="game-line-two"/>
  <circle cx="37" cy="23" r="3.4" class="game-one"/>
  <circle cx="35.5" cy="13.5" r="2.6" class="game-food"/>`;

const TICK = 100; // ms
const GHOST = 900; // ms that a dead snake is seen to fade
const POINTED_OUT = 2000; // ms after the start in which one's own snake is still pointed at
const SWIPE = 18; // px
const COLOURS = 8;
const LETTERS = 'ABCDEFGHIJKLMNOP';

const DIRECTIONS = {
  up: { x: 0, y: -1, keys: ['ArrowUp', 'KeyW'] },
  left: { x: -1, y: 0, keys: ['ArrowLeft', 'KeyA'] },
  right: { x: 1, y: 0, keys: ['ArrowRight', 'KeyD'] },
  down: { x: 0, y: 1, keys: ['ArrowDown', 'KeyS'] },
};

const REASONS = new Set(['last_alive', 'time_up', 'died_together']);

/** The line along a snake's back, in cells: with its colour and its letter it tells who is who. */
const BACKS = [null, [0.01, 0.8], [0.9, 0.9], []];

const colourOf = (seat) => seat % COLOURS;
const backOf = (seat) => BACKS[(seat + Math.floor(seat / COLOURS)) % BACKS.length];

export default class SnakeArena {
  #here;
  #parts;
  #view = null;
  #before = null; // the view of the tick before, to glide from
  #isOver = false;
  #arrived = 0;
  #ghosts = [];
  #colours = {};
  #frame = 0;
  #timer = 0;
  #isDirty = true;
  #swipe = null;
  #stop = new AbortController();
  #resized = new ResizeObserver(() => this.#fit());

  constructor(element, here) {
    this.#here = here;
    this.#parts = build(element);
    this.#listen();
    this.#resized.observe(this.#parts.canvas);
    this.#pickColours();
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

  draw({ view, outcome }) {
    const now = performance.now();
    const last = this.#view;
    if (last !== null) this.#lookForTheDead(last, view, now);
    if (last?.tick !== view.tick) {
      this.#before = last?.tick === view.tick - 1 ? last : null;
      this.#arrived = now;
    }
    const isFirst = last === null || last.width !== view.width || last.height !== view.height;
    this.#view = view;
    this.#isOver = outcome !== null;
    if (isFirst) this.#fit();
    this.#isDirty = true;
    this.#describe(outcome, isFirst);
    this.#request();
  }

  destroy() {
    this.#stop.abort();
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#frame = -1;
  }

  // Steering

  get #isSteering() {
    return !this.#isOver && this.#own !== undefined && this.#own.died === undefined;
  }

  get #own() {
    return this.#view?.snakes[this.#here.seat ?? -1];
  }

  #turn(direction) {
    // What the rules refuse needs no words: the snake just does not turn.
    if (this.#isSteering) this.#here.act({ turn: direction }).catch(() => {});
  }

  #listen() {
    const { signal } = this.#stop;
    const { board, canvas, pad } = this.#parts;
    document.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || !this.#isSteering) return;
      if (event.target.closest?.('input, select, textarea, [contenteditable]')) return;
      if (document.querySelector('dialog[open]')) return;
      const found = Object.entries(DIRECTIONS).find(([, { keys }]) => keys.includes(event.code));
      if (!found) return;
      event.preventDefault(); // the page stays where it is
      if (!event.repeat) this.#turn(found[0]);
    }, { signal });

    for (const [direction, button] of Object.entries(pad)) {
      // At the touch, not when the finger leaves: a tenth of a second is a cell.
      button.addEventListener('pointerdown', (event) => {
        if (event.button === 0) this.#turn(direction);
      }, { signal });
      onPress(button, (event) => {
        if (event.detail === 0) this.#turn(direction); // by the keyboard
      });
    }

    board.addEventListener('pointerdown', (event) => {
      this.#swipe = { id: event.pointerId, x: event.clientX, y: event.clientY };
    }, { signal });
    // A finger that stays down can go on to the next turn.
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

    const repaint = () => this.#pickColours();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint, { signal });
    canvas.addEventListener('contextrestored', repaint, { signal });
  }

  // Words

  #describe(outcome, isFirst) {
    const { say, seat: own } = this.#here;
    const { board, canvas, line, padGroup, pad, message, why, heard, length } = this.#parts;
    const { snakes } = this.#view;
    const seats = new Map(this.#here.seats().map((each) => [each.seat, each]));
    const alive = snakes.filter(({ died }) => died === undefined).length;
    const isOut = this.#own?.died !== undefined;

    line.hidden = outcome !== null;
    board.classList.toggle('is-steered', this.#isSteering);
    padGroup.hidden = !this.#isSteering;
    padGroup.setAttribute('aria-label', say('pad'));
    for (const [direction, button] of Object.entries(pad)) {
      button.setAttribute('aria-label', say(direction));
    }
    canvas.setAttribute('aria-label', say('board', { count: alive }));
    write(length, this.#own === undefined || isOut
      ? say('alive', { count: alive })
      : say('own', { letter: LETTERS[own], length: this.#own.length }));
    this.#drawLegend(seats, outcome);

    const result = outcome && this.#result(outcome, seats);
    board.classList.toggle('is-over', outcome !== null);
    board.classList.toggle('is-out', isOut && outcome === null);
    if (result) {
      write(message, result.who);
      write(why, result.why);
      write(heard, `${result.who} ${result.why}`.trim());
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

  /** Who has won, and why, as the one who looks should hear it. */
  #result({ winners, reason }, seats) {
    const { say, seat: own } = this.#here;
    const isOwnEnd = REASONS.has(reason);
    const length = Math.max(0, ...winners.map((seat) => this.#view.snakes[seat].length));
    // The others resigned, or were signed out: the snake that is left has won all the same.
    const because = say(isOwnEnd ? reason : 'last_alive', { length });
    if (winners.length === 0) {
      if (!isOwnEnd) return { who: say('ended'), why: '' };
      return { who: say('draw'), why: say('equal') };
    }
    if (winners.length > 1) {
      const names = namesOf(winners.map((seat) => nameOf(seats, seat)));
      return { who: say('shared', { names }), why: because };
    }
    if (winners[0] === own) return { who: say('won'), why: because };
    return { who: say('wins', { name: nameOf(seats, winners[0]) }), why: because };
  }

  #drawLegend(seats, outcome) {
    const { say } = this.#here;
    const { legend } = this.#parts;
    this.#view.snakes.forEach((snake, seat) => {
      const row = legend.children[seat] ?? legend.appendChild(legendRow(seat));
      const [, who, state, length] = row.children;
      const player = seats.get(seat);
      const isDead = snake.died !== undefined;
      const isWinner = outcome?.winners.includes(seat) ?? false;
      row.classList.toggle('is-dead', isDead);
      row.classList.toggle('is-own', seat === this.#here.seat);
      row.classList.toggle('is-winner', isWinner);
      write(who, nameOf(seats, seat));
      const key = isWinner ? 'winner'
        : player?.isGone ? 'gone'
        : isDead ? 'dead'
        : player?.isBot ? 'bot'
        : seat === this.#here.seat ? 'you'
        : '';
      write(state, key && say(key));
      write(length, say('length', { length: snake.length }));
    });
    while (legend.children.length > this.#view.snakes.length) legend.lastChild.remove();
  }

  #lookForTheDead(last, view, now) {
    const seats = new Map(this.#here.seats().map((each) => [each.seat, each]));
    view.snakes.forEach((snake, seat) => {
      const cells = last.snakes[seat]?.cells ?? [];
      if (snake.died === undefined || cells.length === 0) return;
      this.#ghosts.push({ seat, cells, at: now });
      if (seat !== this.#here.seat) {
        write(this.#parts.heard, this.#here.say('died', { name: nameOf(seats, seat) }));
      }
    });
  }

  // The picture

  /** As many pixels as the screen has; the chequers behind are one cell each. */
  #fit() {
    if (this.#view === null) return;
    const { canvas, board } = this.#parts;
    const columns = this.#view.width - 2;
    const rows = this.#view.height - 2;
    board.style.setProperty('--columns', columns);
    board.style.setProperty('--rows', rows);
    const wide = canvas.clientWidth * devicePixelRatio;
    canvas.width = Math.max(1, Math.round(wide));
    canvas.height = Math.max(1, Math.round((wide * rows) / columns));
    this.#isDirty = true;
    this.#request();
  }

  #pickColours() {
    const style = getComputedStyle(this.#parts.canvas);
    const pick = (name) => style.getPropertyValue(name).trim();
    this.#colours = {
      snakes: Array.from({ length: COLOURS }, (_, number) => pick(`--snake-${number}`)),
      food: pick('--snake-food'),
      ink: pick('--snake-ink'),
      own: pick('--text'),
      dead: pick('--line-strong'),
      font: style.fontFamily,
    };
    this.#isDirty = true;
  }

  #request() {
    clearTimeout(this.#timer);
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#next());
  }

  #next() {
    if (this.#frame === -1) return;
    this.#frame = 0;
    const now = performance.now();
    this.#tellTime(now);
    this.#ghosts = this.#ghosts.filter(({ at }) => now - at < GHOST);
    const isStill = isCalm();
    const isGliding = !isStill && (!this.#isOver || now - this.#arrived < TICK);
    if (this.#isDirty || isGliding || this.#ghosts.length > 0) {
      this.#isDirty = this.#ghosts.length > 0; // once more when the last one has faded
      this.#paint(now, isStill);
    }
    if (this.#isDirty || isGliding) this.#request();
    else if (!this.#isOver) this.#timer = setTimeout(() => this.#request(), 200); // only time moves
  }

  #tellTime(now) {
    const { countdown, hint, time } = this.#parts;
    const { say } = this.#here;
    const { starts_at: starts, ends_at: ends, tick } = this.#view;
    const isWaiting = tick === 0 && !this.#isOver;
    write(time, say('time', { clock: onClock((ends - Math.max(now, starts)) / 1000) }));
    countdown.hidden = !isWaiting;
    hint.hidden = !isWaiting || this.#own === undefined;
    if (!isWaiting) return;
    write(countdown, `${Math.max(1, Math.ceil((starts - now) / 1000))}`);
    if (!hint.hidden) write(hint, say('ready', { letter: LETTERS[this.#here.seat] }));
  }

  #paint(now, isStill) {
    const { canvas } = this.#parts;
    const context = canvas.getContext('2d');
    const cell = canvas.width / (this.#view.width - 2);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.lineCap = 'round';
    context.lineJoin = 'round';
    const place = (number) => ({
      x: ((number % this.#view.width) - 0.5) * cell,
      y: (Math.floor(number / this.#view.width) - 0.5) * cell,
    });
    const share = isStill ? 1 : Math.min(1, (now - this.#arrived) / TICK);

    for (const { seat, cells, at } of this.#ghosts) {
      context.globalAlpha = isStill ? 0.5 : 0.7 * (1 - (now - at) / GHOST);
      this.#paintSnake(context, cells.map(place), cell, seat, this.#colours.dead);
    }
    context.globalAlpha = 1;
    for (const number of this.#view.food) {
      this.#paintFood(context, place(number), cell, isStill ? 0 : Math.sin(now / 250 + number));
    }
    const own = this.#here.seat;
    const order = [...this.#view.snakes.keys()].sort((a, b) => (a === own) - (b === own));
    for (const seat of order) {
      const points = this.#glided(seat, share, place);
      if (points.length > 0) this.#paintSnake(context, points, cell, seat, null);
    }
    const isEarly = this.#view.tick === 0 || now < this.#view.starts_at + POINTED_OUT;
    if (!this.#isOver && isEarly) this.#pointOut(context, cell, share, place, isStill ? 0 : now);
  }

  /** The points of a snake, from the head on, this share of the way from the last tick. */
  #glided(seat, share, place) {
    const { cells } = this.#view.snakes[seat];
    const points = cells.map(place);
    const old = this.#before?.snakes[seat]?.cells ?? [];
    if (old.length === 0 || points.length < 2) return points;
    points[0] = between(points[1], points[0], share);
    if (old.length === cells.length) points.push(between(place(old.at(-1)), points.at(-1), share));
    return points;
  }

  #paintSnake(context, points, cell, seat, grey) {
    const isOwn = seat === this.#here.seat && grey === null;
    const colour = grey ?? this.#colours.snakes[colourOf(seat)];
    const [head] = points;
    const radius = Math.max(cell * 0.72, 6.5 * devicePixelRatio);
    const line = (style, width, dash = []) => {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(head.x, head.y);
      for (const point of points) context.lineTo(point.x, point.y);
      context.stroke();
      context.setLineDash([]);
    };
    const disc = (style, size) => {
      context.fillStyle = style;
      context.beginPath();
      context.arc(head.x, head.y, size, 0, 2 * Math.PI);
      context.fill();
    };
    const rim = Math.max(cell * 0.16, 1.5 * devicePixelRatio);
    if (isOwn) {
      line(this.#colours.own, cell * 0.78 + 2 * rim);
      disc(this.#colours.own, radius + rim);
    }
    line(colour, cell * 0.78);
    const back = backOf(seat);
    if (back) line(this.#colours.ink, cell * 0.2, back.map((part) => part * cell));
    disc(colour, radius);
    context.fillStyle = this.#colours.ink;
    context.font = `700 ${radius * 1.35}px ${this.#colours.font}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(LETTERS[seat], head.x, head.y + radius * 0.08);
  }

  /** A diamond: nothing else here has corners. */
  #paintFood(context, { x, y }, cell, swing) {
    const size = Math.max(cell * 0.46, 3.5 * devicePixelRatio) * (1 + 0.12 * swing);
    context.fillStyle = this.#colours.food;
    context.beginPath();
    context.moveTo(x, y - size);
    context.lineTo(x + size, y);
    context.lineTo(x, y + size);
    context.lineTo(x - size, y);
    context.fill();
  }

  /** Which one is mine, and which way each will go. */
  #pointOut(context, cell, share, place, now) {
    context.fillStyle = this.#colours.own;
    this.#view.snakes.forEach(({ cells }, seat) => {
      if (this.#view.tick > 0 || cells.length < 2) return;
      const [head, neck] = cells.slice(0, 2).map(place);
      const ahead = Math.max(cell * 1.8, 12 * devicePixelRatio);
      const x = head.x + Math.sign(head.x - neck.x) * ahead;
      const y = head.y + Math.sign(head.y - neck.y) * ahead;
      arrow(context, x, y, Math.atan2(head.y - neck.y, head.x - neck.x), Math.max(cell * 0.5, 4 * devicePixelRatio));
    });
    if (!this.#own || this.#own.cells.length === 0) return;
    const [head] = this.#glided(this.#here.seat, share, place);
    const size = Math.max(cell * 0.6, 6 * devicePixelRatio);
    const { cells } = this.#own;
    const isBelow = head.y < size * 8 || cells[1] === cells[0] - this.#view.width;
    const side = isBelow ? 1 : -1;
    const y = head.y + side * (size * 3 + Math.sin(now / 180) * size * 0.3);
    arrow(context, head.x, y, -side * Math.PI / 2, size);
    context.font = `700 ${Math.max(cell * 1.1, 14 * devicePixelRatio)}px ${this.#colours.font}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(this.#here.say('you'), Math.max(head.x, size * 3), y + side * size * 2.2);
  }
}

function build(element) {
  const root = make('div', 'snake-arena');
  const board = make('div', 'snake-board');
  const canvas = make('canvas');
  canvas.setAttribute('role', 'img');
  const countdown = make('p', 'snake-countdown');
  countdown.setAttribute('aria-hidden', 'true'); // said once, in words
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
  const legend = make('ol', 'snake-legend');
  legend.setAttribute('role', 'list');
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
  root.append(board, line, padGroup, legend, heard);
  element.append(root);
  return { board, canvas, countdown, hint, message, why, line, length, time, legend, padGroup, pad, heard };
}

function legendRow(seat) {
  const row = make('li');
  const badge = make('span', 'snake-badge', LETTERS[seat]);
  badge.dataset.colour = colourOf(seat);
  row.append(badge, make('bdi', 'snake-name'), make('span', 'snake-state'), make('span', 'snake-count'));
  return row;
}

const nameOf = (seats, seat) => seats.get(seat)?.name ?? LETTERS[seat];

const between = (from, to, share) => ({
  x: from.x + (to.x - from.x) * share,
  y: from.y + (to.y - from.y) * share,
});

function arrow(context, x, y, angle, size) {
  context.save();
  context.translate(x, y);
  context.rotate(angle);
  context.beginPath();
  context.moveTo(size, 0);
  context.lineTo(-size * 0.6, size * 0.9);
  context.lineTo(-size * 0.6, -size * 0.9);
  context.fill();
  context.restore();
}
