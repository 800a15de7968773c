// Connect Four on the screen: the board, and whose turn it is. Draws the view of the server
// (server/games/connect_four.py). The picture is one SVG, hidden from screen readers; above it lie
// seven buttons, one a column, which can be pressed, reached with the arrows, and read out.

import { isCalm, isForGame, make, onPress, svg, write } from '/static/page/elements.js';

export { words } from './words.js';

export const style = '/static/games/connect-four/style.css';
export const picture = `
  <rect x="4" y="8" width="40" height="34" rx="6" class="game-board"/>
  <g class="game-hole"><circle cx="13" cy="17" r="4"/><circle cx="24" cy="17" r="4"/><circle cx="35" cy="17" r="4"/><circle cx="13" cy="33" r="4"/></g>
  <g class="game-two"><circle cx="24" cy="33" r="4"/><circle cx="13" cy="25" r="4"/></g>
  <g class="game-one"><circle cx="35" cy="33" r="4"/><circle cx="24" cy="25" r="4"/><circle cx="35" cy="25" r="4"/></g>`;

const COLUMNS = 7;
const ROWS = 6;

// The picture, in units: a cell is 100 wide; above the board is room for the next disc, below for
// numbers.
const CELL = 100;
const EDGE = 12;
const ABOVE = 100;
const BELOW = 44;
const HOLE = 41;
const WIDTH = COLUMNS * CELL + 2 * EDGE;
const HEIGHT = ABOVE + ROWS * CELL + EDGE + BELOW;
const PLATE = { x: 0, y: ABOVE - EDGE, width: WIDTH, height: HEIGHT - ABOVE + EDGE, rx: 34 };
const TAKES_KEYS = 'button, a, summary, [role="log"]'; // besides what is typed into
const LANE = { x: -CELL / 2, y: PLATE.y + 6, width: CELL, height: PLATE.height - 12, rx: 28 }; // of a column round 0
const FALL = 520; // ms from the top of the board to its bottom
const BOUNCE = 0.07; // share of the height of the fall

const CHEVRON = 'M-15 -7 0 8 15 -7';
const STAR = 'M0 -27 7 -7 27 0 7 7 0 27 -7 7 -27 0 -7 -7Z';

export default class ConnectFour {
  #table;
  #root = make('div', 'connect-four');
  #status = make('p', 'turn');
  #headline = make('strong');
  #detail = make('span');
  #columns = make('div', 'columns');
  #board = new BoardPicture();
  #buttons = [];
  #view = null;
  #choice = 3; // the column chosen by keyboard
  #aim = null; // the column under the pointer, or focused
  #sent = null; // the column sent, until the answer
  #canAct = false;
  #drawn = 0;

  constructor(element, table) {
    this.#table = table;
    this.#status.setAttribute('role', 'status');
    this.#status.append(this.#headline, this.#detail);
    const frame = make('div', 'table');
    this.#columns.setAttribute('role', 'group');
    this.#columns.style.setProperty('--columns', COLUMNS);
    this.#columns.style.setProperty('--edge', EDGE / WIDTH); // as a share
    for (let column = 0; column < COLUMNS; column += 1) this.#columns.append(this.#makeButton(column));
    this.#columns.addEventListener('keydown', (event) => this.#onKey(event));
    frame.append(this.#board.element, this.#columns);
    this.#root.append(frame);
    element.append(this.#root);
    table.line.append(this.#status);
    document.addEventListener('keydown', this.#onArrow);
  }

  /** Where the room may cover the board: the discs land below. */
  static cards = 'top';

  /** The picture of a player beside the name. */
  static mark({ colours }, seat) {
    return discAlone(colours[seat]);
  }

  draw({ view, outcome = null }) {
    this.#drawn += 1;
    const drawn = this.#drawn;
    this.#view = view;
    this.#sent = null;
    this.#canAct = outcome === null && view.turn === this.#table.seat;
    const landed = this.#board.show(view);
    this.#drawColumns();
    if (outcome === null) this.#tell(outcome);
    // The last disc is marked, and the outcome shown, when it has come to rest.
    const settle = () => {
      if (drawn !== this.#drawn) return;
      this.#board.mark(view);
      this.#tell(outcome);
    };
    if (landed === null) settle();
    else landed.then(settle, () => {});
  }

  destroy() {
    this.#drawn += 1;
    document.removeEventListener('keydown', this.#onArrow);
    this.#root.remove();
    this.#status.remove();
  }

  // Drawing

  /** Shows whose turn it is and why, or how the match ended; the room shows who has won. */
  #tell(outcome) {
    const [state, headline] = this.#headlineFor(outcome);
    this.#status.dataset.state = state;
    write(this.#headline, headline && `${headline} `);
    write(this.#detail, this.#detailFor(outcome));
  }

  #headlineFor(outcome) {
    const { say, seat } = this.#table;
    if (outcome === null) {
      if (this.#canAct) return ['own', say('your_turn')];
      return ['waits', say('waiting', { name: this.#nameOf(this.#view.turn) })];
    }
    const how = { four: 'four', full: 'full' }[outcome.reason];
    return [outcome.winners.includes(seat) ? 'won' : 'over', how === undefined ? '' : say(how)];
  }

  #detailFor(outcome) {
    const { say, seat } = this.#table;
    const { last, turn } = this.#view;
    if (outcome !== null) return '';
    if (last === undefined) {
      if (turn === seat) return say('you_begin');
      return say('they_begin', { name: this.#nameOf(turn) });
    }
    const by = this.#discAt(...last);
    const number = last[0] + 1;
    if (by === seat) return say('you_chose', { number });
    return say('they_chose', { name: this.#nameOf(by), number });
  }

  #drawColumns() {
    const { say } = this.#table;
    this.#columns.setAttribute('aria-label', say('board'));
    for (const [column, button] of this.#buttons.entries()) {
      const discs = [...this.#view.columns[column]].map((digit) => (
        Number(digit) === this.#table.seat ? say('you') : this.#nameOf(Number(digit))
      ));
      const key = discs.length === 0 ? 'column_empty'
        : discs.length === ROWS ? 'column_full' : 'column_discs';
      button.setAttribute('aria-label', say(key, { number: column + 1, discs: discs.join(', ') }));
      // Not `disabled`, so that the board can be navigated and read during the other player's turn.
      button.setAttribute('aria-disabled', `${!this.#mayChoose(column)}`);
      button.tabIndex = column === this.#choice ? 0 : -1;
    }
    this.#drawAim();
  }

  #drawAim() {
    const { seat } = this.#table;
    const { colours, columns } = this.#view;
    const open = columns.map((_, column) => this.#mayChoose(column));
    const column = this.#sent ?? (open[this.#aim] ? this.#aim : null);
    this.#board.offer(column, open, colours[seat], columns[column]?.length);
    this.#root.toggleAttribute('data-sent', this.#sent !== null);
  }

  // Actions

  #makeButton(column) {
    const button = make('button', 'column');
    button.type = 'button';
    onPress(button, () => this.#drop(column));
    button.addEventListener('pointerenter', () => this.#aimAt(column));
    button.addEventListener('pointerleave', () => this.#aimAt(null));
    button.addEventListener('blur', () => this.#aimAt(null));
    button.addEventListener('focus', () => {
      this.#choice = column;
      if (button.matches(':focus-visible')) this.#aimAt(column);
      if (this.#view) this.#drawColumns();
    });
    this.#buttons.push(button);
    return button;
  }

  #aimAt(column) {
    this.#aim = column;
    if (this.#view) this.#drawAim();
  }

  #mayChoose(column) {
    return this.#canAct && this.#sent === null && this.#view.columns[column].length < ROWS;
  }

  async #drop(column) {
    if (this.#view === null || !this.#mayChoose(column)) return;
    const drawn = this.#drawn;
    this.#sent = column;
    this.#drawColumns();
    try {
      await this.#table.act({ column });
    } catch {
      // If the board did not change meanwhile, it is still this player's turn.
      if (drawn !== this.#drawn) return;
      this.#sent = null;
      this.#drawColumns();
      write(this.#detail, this.#table.say('refused'));
    }
  }

  #onKey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const digit = /^[1-7]$/.test(event.key) ? Number(event.key) - 1 : null;
    const to = { ArrowLeft: this.#choice - 1, ArrowRight: this.#choice + 1, Home: 0, End: COLUMNS - 1 }[event.key] ?? digit;
    if (to === null || (event.repeat && digit !== null)) return; // a held key moves on, but drops only one disc
    event.preventDefault();
    this.#buttons[(to + COLUMNS) % COLUMNS].focus();
    if (digit !== null) this.#drop(digit);
  }

  /** While no element that handles keys has the focus, arrows move the focus to the board, and
   * digits choose a column. */
  #onArrow = (event) => {
    if (!isForGame(event) || event.shiftKey || event.target.closest?.(TAKES_KEYS)) return;
    if (/^[1-7]$/.test(event.key)) this.#onKey(event);
    if (!['ArrowLeft', 'ArrowRight'].includes(event.key)) return;
    event.preventDefault();
    this.#buttons[this.#choice].focus();
  };

  // Players

  #playerAt(seat) {
    return this.#table.seats().find((player) => player.seat === seat);
  }

  /** The name of the player in a seat; the colour if the seat was given up. */
  #nameOf(seat) {
    return this.#playerAt(seat)?.name ?? this.#table.say(this.#view.colours[seat]);
  }

  #discAt(column, row) {
    return Number(this.#view.columns[column][row]);
  }
}

/** The picture of the board: discs behind a plate with holes. */
class BoardPicture {
  element = svg('svg', { class: 'picture', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' });
  #discs = svg('g', { class: 'discs' });
  #marks = svg('g', { class: 'marks' });
  #lane = svg('path', { class: 'lane', d: rounded(LANE) + holes(0) });
  #landing = svg('circle', { class: 'landing', r: HOLE - 7 });
  #next = svg('g', { class: 'next' });
  #chevrons = [];
  #shown = Array.from({ length: COLUMNS }, () => []); // the discs of each column, bottom first
  #isFirst = true;

  constructor() {
    const everyHole = Array.from({ length: COLUMNS }, (_, column) => holes(x(column))).join('');
    this.element.append(
      svg('rect', { class: 'back', x: EDGE, y: ABOVE, width: COLUMNS * CELL, height: ROWS * CELL }),
      this.#discs,
      svg('path', { class: 'plate', d: rounded(PLATE) + everyHole }),
      this.#lane,
      this.#landing,
      this.#marks,
    );
    for (let column = 0; column < COLUMNS; column += 1) {
      const number = svg('text', { class: 'number', x: x(column), y: HEIGHT - BELOW / 2 + 2 });
      number.textContent = `${column + 1}`;
      const chevron = svg('path', { class: 'chevron', d: CHEVRON, transform: `translate(${x(column)} ${ABOVE - 46})` });
      this.#chevrons.push(chevron);
      this.element.append(number, chevron);
    }
    this.element.append(this.#next);
  }

  /** Shows the discs. Returns a promise for when the last one has landed, null if none falls. */
  show(view) {
    let landed = null;
    for (const [column, discs] of view.columns.entries()) {
      const shown = this.#shown[column];
      for (const disc of shown.splice(discs.length)) disc.remove();
      for (let row = shown.length; row < discs.length; row += 1) {
        const disc = svg('g', { transform: `translate(${x(column)} ${y(row)})` });
        disc.append(discOf(view.colours[Number(discs[row])]));
        shown.push(disc);
        this.#discs.append(disc);
        const isLast = column === view.last[0] && row === view.last[1];
        if (isLast && !this.#isFirst && mayMove()) landed = fall(disc.firstChild, y(row) - ABOVE / 2);
      }
    }
    this.#isFirst = false;
    return landed;
  }

  /** Marks the winning line, otherwise the last disc. */
  mark(view) {
    const line = view.line ?? [];
    this.element.toggleAttribute('data-won', line.length > 0);
    const cells = line.length > 0 ? line : [view.last].filter(Boolean);
    this.#marks.replaceChildren(...cells.map(([column, row]) => svg('circle', {
      class: line.length > 0 ? 'winning' : 'last', cx: x(column), cy: y(row), r: HOLE - 1,
    })));
    for (const [column, discs] of this.#shown.entries()) {
      for (const [row, disc] of discs.entries()) {
        disc.classList.toggle('in-line', line.some((cell) => cell[0] === column && cell[1] === row));
      }
    }
  }

  /** Enables a column if it is open, and shows where a disc of this colour would fall. */
  offer(column, open, colour, height) {
    for (const [number, chevron] of this.#chevrons.entries()) {
      chevron.toggleAttribute('data-shown', open[number] && number !== column);
    }
    for (const part of [this.#lane, this.#landing, this.#next]) part.toggleAttribute('data-shown', column !== null);
    if (column === null) return;
    if (this.#next.dataset.colour !== colour) this.#next.replaceChildren(discOf(colour));
    this.#next.dataset.colour = colour;
    this.#landing.dataset.colour = colour;
    this.#next.setAttribute('transform', `translate(${x(column)} ${ABOVE / 2 - 2}) scale(.92)`);
    this.#lane.setAttribute('transform', `translate(${x(column)} 0)`);
    this.#landing.setAttribute('cx', x(column));
    this.#landing.setAttribute('cy', y(height));
  }
}

const x = (column) => EDGE + (column + 0.5) * CELL;
const y = (row) => ABOVE + (ROWS - row - 0.5) * CELL;

/** A disc round 0, 0. Colour alone must not tell them apart: the red one has a ring, the yellow one a star. */
function discOf(colour) {
  const disc = svg('g', { class: 'disc', 'data-colour': colour });
  disc.append(svg('circle', { class: 'body', r: HOLE + 3 }), svg('circle', { class: 'groove', r: HOLE - 9 }));
  disc.append(colour === 'red' ? svg('circle', { class: 'ring', r: 16 }) : svg('path', { class: 'star', d: STAR }));
  return disc;
}

function discAlone(colour) {
  const picture = svg('svg', { class: 'disc-alone', viewBox: '-46 -46 92 92', 'aria-hidden': 'true' });
  picture.append(discOf(colour));
  return picture;
}

/** Returns the outline of a rounded rectangle. */
function rounded({ x: left, y: top, width, height, rx }) {
  const corner = (dx, dy) => `a${rx} ${rx} 0 0 1 ${dx} ${dy}`;
  return `M${left + rx} ${top}h${width - 2 * rx}${corner(rx, rx)}v${height - 2 * rx}${corner(-rx, rx)}`
    + `h${2 * rx - width}${corner(-rx, -rx)}v${2 * rx - height}${corner(rx, -rx)}z`;
}

/** Returns the holes of a column, each a circle of two arcs. */
function holes(middle) {
  const arc = `a${HOLE} ${HOLE} 0 1 0`;
  const rows = Array.from({ length: ROWS }, (_, row) => y(row));
  return rows.map((height) => `M${middle - HOLE} ${height}${arc} ${2 * HOLE} 0${arc} ${-2 * HOLE} 0z`).join('');
}

/** True if the page is visible and the player does not want reduced motion. */
const mayMove = () => !document.hidden && !isCalm();

/** Lets a disc fall from this height above its place, and bounce once. */
function fall(disc, height) {
  const down = FALL * Math.sqrt(height / (ROWS * CELL));
  const up = down * Math.sqrt(BOUNCE);
  const whole = down + 2 * up;
  // These curves are exactly those of free fall, and of a body thrown upwards.
  const falling = 'cubic-bezier(.333, 0, .667, .333)';
  const rising = 'cubic-bezier(.333, .667, .667, 1)';
  return disc.animate([
    { translate: `0 ${-height}px`, easing: falling, offset: 0 },
    { translate: '0 0', easing: rising, offset: down / whole },
    { translate: `0 ${-height * BOUNCE}px`, easing: falling, offset: (down + up) / whole },
    { translate: '0 0', offset: 1 },
  ], whole).finished;
}
