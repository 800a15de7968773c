// Trivia round on the screen: a question, four choices, and the time left.

import { isCalm, isForGame, make, onPress, svg, write } from '/static/page/elements.js';
import { inDigits, language, namesOf } from '/static/page/language.js';
import { headlineOf } from '/static/page/room-words.js';

export { words } from './words.js';

export const style = '/static/games/trivia-round/style.css';
export const picture = `
  <path d="M10 6h28a6 6 0 0 1 6 6v18a6 6 0 0 1-6 6H25l-8 7v-7h-7a6 6 0 0 1-6-6V12a6 6 0 0 1 6-6z" class="game-board"/>
  <path d="M19 17.5a5 5 0 1 1 7 4.6c-1.4.7-2 1.5-2 3.4" class="game-mark"/>
  <circle cx="24" cy="30.3" r="1.9" class="game-dot"/>`;

const LETTERS = ['A', 'B', 'C', 'D'];
const MOST_NAMES = 3;
const SAME_INSTANT = 250; // ms: what two messages may differ in about one end
const SHAPES = { right: 'm4 10.5 4 4 8-9', wrong: 'm5 5 10 10m0-10-10 10' };

export default class TriviaRound {
  #element;
  #table;
  #choices;
  #progress = make('p', 'trivia-progress');
  #steps = make('div', 'trivia-steps');
  #clock = make('p', 'trivia-clock');
  #bar = make('i');
  #question = make('h2', 'trivia-question');
  #group = make('div', 'trivia-choices');
  #message = make('p', 'trivia-message');
  #note = make('p', 'trivia-note muted');
  #card = make('div', 'trivia-card');
  #result = make('div', 'trivia-card trivia-result');
  #heard = make('p', 'heard-only');
  #heading = null;
  #onKey = (event) => this.#press(event);
  #shown = null; // the last view drawn
  #step = ''; // number and phase of the question
  #sent = null; // the choice sent, until the answer
  #problem = '';
  #endsAt = -Infinity;
  #running = null;
  #timer = 0;

  constructor(element, table) {
    this.#element = element;
    this.#table = table;
    this.#choices = LETTERS.map((letter, place) => choiceButton(letter, () => this.#choose(place)));
    this.#build();
    document.addEventListener('keydown', this.#onKey);
  }

  destroy() {
    document.removeEventListener('keydown', this.#onKey);
    clearTimeout(this.#timer);
    this.#message.remove();
    this.#element.replaceChildren();
    this.#element.classList.remove('trivia');
  }

  #build() {
    this.#element.classList.add('trivia');
    this.#steps.setAttribute('aria-hidden', 'true');
    this.#clock.setAttribute('aria-hidden', 'true');
    const bar = make('div', 'trivia-bar');
    bar.setAttribute('aria-hidden', 'true');
    bar.append(this.#bar);
    this.#group.setAttribute('role', 'group');
    this.#group.append(...this.#choices.map((choice) => choice.button));
    const head = make('div', 'trivia-head');
    head.append(this.#progress, this.#steps, this.#clock);
    this.#card.append(head, bar, this.#question, this.#group, this.#note);
    this.#table.line.append(this.#message);
    this.#result.hidden = true;
    this.#heard.setAttribute('aria-live', 'polite');
    this.#element.append(this.#card, this.#result, this.#heard);
  }

  /** What is said of a player: the points, and whether there is an answer. */
  static value({ phase, players }, seat) {
    const { score, has_answered: hasAnswered, points } = players[seat];
    if (phase === 'reveal' && points > 0) return `${inDigits(score)} (+${inDigits(points)})`;
    return phase === 'question' && hasAnswered ? `${inDigits(score)} ✓` : inDigits(score);
  }

  static isOut({ players }, seat) {
    return Boolean(players[seat].is_gone);
  }

  draw(shown) {
    const { view, outcome } = shown;
    this.#shown = shown;
    const isOver = outcome !== null || view.phase === 'over';
    const people = this.#people(view);
    this.#card.hidden = isOver;
    this.#result.hidden = !isOver;
    this.#message.hidden = isOver;
    if (isOver) this.#drawResult(people, outcome);
    else this.#drawQuestion(people, view);
  }

  /** Returns all players with their state in the game, the leading ones first. */
  #people(view) {
    const seats = new Map(this.#table.seats().map((seat) => [seat.seat, seat]));
    const all = Object.entries(view.players).map(([number, player]) => {
      const seat = Number(number);
      return { name: `${seat + 1}`, isOwn: seat === this.#table.seat, ...seats.get(seat), ...player, seat };
    });
    const order = (one, other) =>
      Boolean(one.is_gone) - Boolean(other.is_gone) || other.score - one.score || one.seat - other.seat;
    all.sort(order);
    for (const player of all) {
      player.place = 1 + all.filter((other) => order({ ...other, seat: 0 }, { ...player, seat: 0 }) < 0).length;
    }
    return all;
  }

  // The question

  #drawQuestion(people, view) {
    const { say } = this.#table;
    const own = people.find((player) => player.seat === this.#table.seat);
    const isRevealed = view.phase === 'reveal';
    const step = `${view.number} ${view.phase}`;
    const isNew = step !== this.#step;
    if (isNew) {
      this.#step = step;
      this.#sent = null;
      this.#problem = '';
    }
    const { question, choices } = view.texts[language()] ?? view.texts.en;
    const picked = own?.choice ?? this.#sent;
    const canChoose = !isRevealed && own !== undefined && !own.is_gone && picked === null;

    const count = { number: view.number + 1, total: view.questions };
    write(this.#progress, say('progress', count));
    this.#drawSteps(view);
    write(this.#question, question);
    this.#group.setAttribute('aria-label', say('choices'));
    this.#card.dataset.phase = view.phase;
    this.#choices.forEach((choice, place) => {
      const isRight = isRevealed && place === view.right;
      choice.button.classList.toggle('is-own', place === picked);
      choice.button.classList.toggle('is-right', isRight);
      choice.button.classList.toggle('is-wrong', isRevealed && !isRight && place === picked);
      choice.button.setAttribute('aria-disabled', String(!canChoose));
      choice.button.setAttribute('aria-pressed', String(place === picked));
      write(choice.text, choices[place]);
      const tags = [];
      if (isRight) tags.push(say('is_right'));
      if (place === picked) tags.push(say('is_own'));
      write(choice.tags, tags.join(' · '));
      mark(choice.icon, isRight ? 'right' : isRevealed && place === picked ? 'wrong' : '');
      const by = isRevealed ? people.filter((player) => player.choice === place && !player.isOwn) : [];
      choice.by.replaceChildren(...by.map((player) => make('bdi', 'one-line', player.name)));
      choice.by.hidden = by.length === 0;
    });
    this.#note.hidden = own === undefined && !isRevealed;
    const isLast = view.number + 1 === view.questions;
    write(this.#note, say(!isRevealed ? 'keys' : isLast ? 'last' : 'next'));
    this.#message.dataset.result = isRevealed && own ? (own.choice === view.right ? 'right' : 'wrong') : '';
    const message = this.#problem || this.#messageFor(people, own, picked, view, choices);
    write(this.#message, message);
    this.#time(view, isNew);
    if (!isNew) return;
    if (isRevealed) {
      const standing = own && say('standing', { score: own.score, place: own.place });
      this.#announce([message, standing].filter(Boolean).join(' '));
    } else {
      const [a, b, c, d] = choices;
      this.#announce(say('heard', { ...count, question, a, b, c, d }));
    }
  }

  /** Returns what to do, or the result. */
  #messageFor(people, own, picked, view, choices) {
    const { say } = this.#table;
    if (view.phase === 'reveal') {
      const answer = { letter: LETTERS[view.right], answer: choices[view.right] };
      if (own === undefined || own.is_gone) return say('answer', answer);
      if (own.choice === undefined) return say('missed', answer);
      if (own.choice !== view.right) return say('wrong', answer);
      return say('right', { points: own.points });
    }
    const waiting = this.#waiting(people.filter((player) => this.#shown.waitsFor.includes(player.seat) && !player.isOwn));
    if (own === undefined) return [say('watching'), waiting].join(' ');
    if (own.is_gone) return [say('out'), waiting].join(' ');
    if (picked !== null) return [say('chose', { letter: LETTERS[picked] }), waiting].join(' ');
    return say(own.is_skipped ? 'passed' : 'choose');
  }

  #waiting(players) {
    const { say } = this.#table;
    if (players.length === 0) return '';
    if (players.length > MOST_NAMES) return say('waiting_many', { count: players.length });
    return say('waiting', { names: namesOf(players.map(({ name }) => name)) });
  }

  #drawSteps(view) {
    while (this.#steps.childElementCount < view.questions) this.#steps.append(make('i'));
    [...this.#steps.children].forEach((step, number) => {
      step.classList.toggle('is-done', number < view.number);
      step.classList.toggle('is-now', number === view.number);
    });
  }

  // Actions

  #press(event) {
    if (event.repeat || !isForGame(event) || this.#card.offsetParent === null) return;
    const place = Math.max('1234'.indexOf(event.key), 'abcd'.indexOf(event.key.toLowerCase()));
    if (place < 0 || event.key.length !== 1) return;
    event.preventDefault();
    this.#choose(place);
  }

  async #choose(place) {
    if (this.#card.hidden || this.#choices[place].button.getAttribute('aria-disabled') === 'true') return;
    const step = this.#step;
    this.#sent = place;
    this.#problem = '';
    this.draw(this.#shown);
    this.#announce(this.#table.say('chose', { letter: LETTERS[place] }));
    try {
      await this.#table.act({ question: this.#shown.view.number, choice: place });
    } catch (refusal) {
      if (step !== this.#step) return; // the page shows another question by now
      this.#sent = null;
      this.#problem = this.#table.say(refusal?.code === 'not_allowed' ? 'late' : 'failed');
      this.draw(this.#shown);
      this.#announce(this.#problem);
    }
  }

  /** Announces it to screen readers. */
  #announce(text) {
    write(this.#heard, text);
  }

  // Time

  /** The bar moves by itself to the end; only the number is updated, once a second. */
  #time(view, isNew) {
    const isSame = !isNew && Math.abs(view.ends_at - this.#endsAt) < SAME_INSTANT;
    if (isSame) return;
    this.#endsAt = view.ends_at;
    const left = Math.max(0, view.ends_at - performance.now());
    const from = Math.min(1, left / (view.lasts * 1000));
    this.#running?.cancel();
    this.#running = this.#bar.animate(
      { transform: [`scaleX(${from})`, 'scaleX(0)'] },
      { duration: left, fill: 'both', easing: isCalm() ? `steps(${Math.max(1, Math.ceil(left / 1000))})` : 'linear' },
    );
    this.#count();
  }

  #count() {
    clearTimeout(this.#timer);
    const left = Math.max(0, this.#endsAt - performance.now());
    write(this.#clock, `${Math.ceil(left / 1000)}`);
    this.#card.classList.toggle('is-short', left <= 5000 && this.#card.dataset.phase === 'question');
    if (left > 0) this.#timer = setTimeout(() => this.#count(), left % 1000 || 1000);
  }

  // The end

  #drawResult(people, outcome) {
    const { say } = this.#table;
    clearTimeout(this.#timer);
    const winners = people.filter((player) => outcome?.winners.includes(player.seat));
    const headline = outcome === null ? '' : headlineOf(outcome, people, this.#table.seat);
    let why = '';
    if (outcome?.reason !== 'finished') why = winners.length === 1 ? say('alone') : '';
    else if (winners.length > 0) why = say('with', { points: winners[0].score });
    else why = say('no_points');

    const hadFocus = this.#card.contains(document.activeElement) || this.#heading?.contains(document.activeElement);
    this.#heading = make('h2', '', headline);
    this.#heading.tabIndex = -1;
    const podium = make('ol', 'trivia-podium');
    podium.setAttribute('aria-hidden', 'true'); // the points are beside the names over the board
    for (const player of people.filter(({ place, is_gone: isGone }) => place <= 3 && !isGone).slice(0, 3)) {
      const step = make('li');
      step.dataset.place = player.place;
      step.append(make('bdi', 'trivia-podium-name one-line', player.name), make('span', 'trivia-podium-step', `${player.place}`));
      podium.append(step);
    }
    this.#result.classList.toggle('is-won', winners.some((player) => player.isOwn));
    this.#result.replaceChildren(this.#heading, make('p', 'trivia-why', why), podium);
    if (hadFocus) this.#heading.focus();
    this.#announce(why); // the room says who has won
  }
}

function choiceButton(letter, choose) {
  const button = make('button', 'trivia-choice');
  button.type = 'button';
  onPress(button, choose);
  const badge = make('span', 'trivia-letter', letter);
  const text = make('span', 'trivia-text');
  const tags = make('span', 'trivia-tags');
  const by = make('span', 'trivia-by');
  const icon = iconElement();
  const body = make('span', 'trivia-body');
  const below = make('span', 'trivia-below');
  below.append(tags, by);
  body.append(text, below);
  button.append(badge, body, icon);
  return { button, text, tags, by, icon };
}

function iconElement() {
  const icon = svg('svg', { class: 'trivia-icon', viewBox: '0 0 20 20', 'aria-hidden': 'true' });
  icon.append(svg('path'));
  return icon;
}

/** Draws a shape, or none. */
function mark(icon, name) {
  icon.firstChild.setAttribute('d', SHAPES[name] ?? '');
}
