// The picture of the arena: a canvas that moves smoothly from tick to tick.

import { isCalm } from '/static/page/elements.js';

const TICK = 100; // ms
const GHOST = 900; // ms in which a dead snake fades
const POINTED_OUT = 2000; // ms after the start in which the player's own snake is marked
const COLOURS = 8;
export const LETTERS = 'ABCDEFGHIJKLMNOP';

/** The line along a snake's back, in cells: with colour and letter it identifies the snake. */
const BACKS = [null, [0.01, 0.8], [0.9, 0.9], []];

export const colourOf = (seat) => seat % COLOURS;
const backOf = (seat) => BACKS[(seat + Math.floor(seat / COLOURS)) % BACKS.length];

export class ArenaPicture {
  #canvas;
  #own;
  #you;
  #onFrame;
  #view = null;
  #before = null; // the view of the previous tick, to move from
  #isOver = false;
  #arrived = 0;
  #ghosts = [];
  #colours = {};
  #frame = 0;
  #timer = 0;
  #isDirty = true;
  #stop = new AbortController();
  #resized = new ResizeObserver(() => this.#fit());

  /** own: the seat of the snake marked with `you()`, or null; onFrame(now): a frame was drawn. */
  constructor(canvas, { own, you, onFrame }) {
    this.#canvas = canvas;
    this.#own = own;
    this.#you = you;
    this.#onFrame = onFrame;
    const { signal } = this.#stop;
    const repaint = () => this.#pickColours();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint, { signal });
    canvas.addEventListener('contextrestored', repaint, { signal });
    this.#resized.observe(canvas);
    this.#pickColours();
  }

  /** Shows a view. Returns the seats of the snakes that died since the last one. */
  show(view, isOver) {
    const now = performance.now();
    const last = this.#view;
    const died = last === null ? [] : [...view.snakes.keys()].filter((seat) =>
      view.snakes[seat].died !== undefined && last.snakes[seat]?.cells.length > 0);
    this.#ghosts.push(...died.map((seat) => ({ seat, cells: last.snakes[seat].cells, at: now })));
    if (last?.tick !== view.tick) {
      this.#before = last?.tick === view.tick - 1 ? last : null;
      this.#arrived = now;
    }
    this.#view = view;
    this.#isOver = isOver;
    if (last === null || last.width !== view.width || last.height !== view.height) this.#fit();
    this.#isDirty = true;
    this.#request();
    return died;
  }

  stop() {
    this.#stop.abort();
    this.#resized.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#frame = -1;
  }

  /** As many pixels as the screen has; the chequers are one cell each. */
  #fit() {
    if (this.#view === null) return;
    const canvas = this.#canvas;
    const columns = this.#view.width - 2;
    const rows = this.#view.height - 2;
    canvas.parentElement.style.setProperty('--columns', columns);
    canvas.parentElement.style.setProperty('--rows', rows);
    const wide = canvas.clientWidth * devicePixelRatio;
    canvas.width = Math.max(1, Math.round(wide));
    canvas.height = Math.max(1, Math.round((wide * rows) / columns));
    this.#isDirty = true;
    this.#request();
  }

  #pickColours() {
    const style = getComputedStyle(this.#canvas);
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
    this.#onFrame(now);
    this.#ghosts = this.#ghosts.filter(({ at }) => now - at < GHOST);
    const isStill = isCalm();
    const isGliding = !isStill && (!this.#isOver || now - this.#arrived < TICK);
    if (this.#isDirty || isGliding || this.#ghosts.length > 0) {
      this.#isDirty = this.#ghosts.length > 0; // draw once more after the last one has faded
      this.#paint(now, isStill);
    }
    if (this.#isDirty || isGliding) this.#request();
    else if (!this.#isOver) this.#timer = setTimeout(() => this.#request(), 200); // only clocks change
  }

  #paint(now, isStill) {
    const { width, height } = this.#canvas;
    const context = this.#canvas.getContext('2d');
    const cell = width / (this.#view.width - 2);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
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
    const order = [...this.#view.snakes.keys()].sort((a, b) => (a === this.#own) - (b === this.#own));
    for (const seat of order) {
      const points = this.#glided(seat, share, place);
      if (points.length > 0) this.#paintSnake(context, points, cell, seat, null);
    }
    const isEarly = this.#view.tick === 0 || now < this.#view.starts_at + POINTED_OUT;
    if (!this.#isOver && isEarly) this.#pointOut(context, cell, share, place, isStill ? 0 : now);
  }

  /** Returns the points of a snake, head first, at this share of the way from the last tick. */
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
    const isOwn = seat === this.#own && grey === null;
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

  /** Draws a diamond: nothing else here has corners. */
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

  /** Marks the player's own snake, and the direction of each. */
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
    const { cells = [] } = this.#view.snakes[this.#own] ?? {};
    if (cells.length === 0) return;
    const [head] = this.#glided(this.#own, share, place);
    const size = Math.max(cell * 0.6, 6 * devicePixelRatio);
    const isBelow = head.y < size * 8 || cells[1] === cells[0] - this.#view.width;
    const side = isBelow ? 1 : -1;
    const y = head.y + side * (size * 3 + Math.sin(now / 180) * size * 0.3);
    arrow(context, head.x, y, -side * Math.PI / 2, size);
    context.font = `700 ${Math.max(cell * 1.1, 14 * devicePixelRatio)}px ${this.#colours.font}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    const you = this.#you();
    const margin = context.measureText(you).width / 2 + size / 2; // the text would be cut off otherwise
    const x = Math.min(Math.max(head.x, margin), this.#canvas.width - margin);
    context.fillText(you, x, y + side * size * 2.2);
  }
}

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
