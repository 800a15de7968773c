// Playing at once: against bots or alone, while others are looked for.

import { Clocks } from '/static/page/clocks.js';
import { byId, make, onPress, write } from '/static/page/elements.js';
import { titleOf } from '/static/page/games.js';
import { onLanguage, say } from '/static/page/language.js';
import { attempt } from '/static/page/problems.js';
import { isPractice } from '/static/page/room-board.js';

const MOST_BOTS = 3; // as many as make a good match
const IN_TIME = 3000; // ms before the seat of an offer is free again

export class Practice {
  #here;
  #games;
  #onRoom;
  #onProblem;
  #offer = null; // {room, game, expiresAt}: somebody to play with has come during a practice
  #clocks = new Clocks(() => this.#takeIfDue());

  /** onRoom(id): there is a room to go to; onProblem(problem): none could be opened. */
  constructor(here, games, { onRoom, onProblem }) {
    this.#here = here;
    this.#games = games;
    this.#onRoom = onRoom;
    this.#onProblem = onProblem;
    onPress(byId('offer-play'), () => this.#take());
    onPress(byId('offer-decline'), () => this.#decline());
    here.on('roomClosed', ({ room }) => { if (room === this.#offer?.room) this.#close(); });
    onLanguage(() => this.#draw());
  }

  clear() {
    this.#close();
  }

  /** Makes the buttons, once the games are known. */
  build() {
    const rows = this.#games.all.map((game) => [game, this.#waysOf(game)]).filter(([, ways]) => ways.length > 0);
    byId('practice-list').replaceChildren(...rows.map(([{ name }, ways]) => {
      const row = make('li');
      row.append(make('span', 'practice-game', titleOf(name)), ...ways);
      return row;
    }));
    byId('practice').hidden = rows.length === 0;
  }

  /** Offers a match in place of the practice; returns false if the player does not practise. */
  offer(offer) {
    if (![...this.#here.rooms.joined.values()].some(isPractice)) return false;
    this.#offer = offer;
    this.#draw();
    return true;
  }

  #waysOf({ name, most, levels, plays_alone: playsAlone }) {
    const bots = Math.min(most - 1, MOST_BOTS);
    const ways = levels.length > 1
      ? levels.map((level) => [say(`level.${level}`), { bots, level }])
      : levels.map(() => [say('practice.bots', { count: bots }), { bots }]);
    if (playsAlone) ways.push([say('practice.alone'), { isAlone: true }]);
    return ways.map(([label, how]) => {
      const button = make('button', '', label);
      button.type = 'button';
      button.setAttribute('aria-label', `${titleOf(name)}: ${label}`);
      onPress(button, () => this.#begin({ game: name, isPrivate: true, ...how }));
      return button;
    });
  }

  #begin(room) {
    return attempt(async () => this.#onRoom((await this.#here.rooms.create(room)).id), this.#onProblem);
  }

  #draw() {
    const button = byId('offer-play');
    byId('offer').hidden = this.#offer === null;
    this.#clocks.clear();
    if (this.#offer === null) {
      write(byId('offer-text'), '');
      return;
    }
    write(byId('offer-text'), say('offer.text', { game: titleOf(this.#offer.game) }));
    this.#clocks.set(button, this.#offer.expiresAt - IN_TIME, (clock) => write(button, say('offer.play', { clock })));
  }

  // The other player waits already.
  #takeIfDue() {
    if (this.#offer !== null && this.#offer.expiresAt - IN_TIME <= performance.now()) this.#take();
  }

  #take() {
    const { room } = this.#offer;
    this.#close();
    this.#onRoom(room);
  }

  #decline() {
    const { room } = this.#offer;
    this.#close();
    return attempt(() => this.#here.rooms.decline(room), this.#onProblem);
  }

  #close() {
    this.#offer = null;
    this.#draw();
  }
}
