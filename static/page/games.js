// The games there are: what they are called, how they look, and what they expect of players.

import { wordsOf } from '/static/games/index.js';
import { make, shape } from '/static/page/elements.js';
import { has, say } from '/static/page/language.js';

const PICTURES = new Set(['connect-four', 'snake-arena', 'trivia-round']);

export class Games {
  #here;
  #byName = new Map();
  #loading = null;

  constructor(here) {
    this.#here = here;
  }

  get all() {
    return [...this.#byName.values()];
  }

  /** Undefined until it is loaded, and for a game that is no more. */
  get(name) {
    return this.#byName.get(name);
  }

  /** Rejects with a Problem. What is known once stays known: games do not change while one runs. */
  load() {
    if (this.#byName.size > 0) return Promise.resolve(this);
    this.#loading ??= this.#here.rooms.games().then((games) => {
      this.#byName = new Map(games.map((game) => [game.name, game]));
      return this;
    }).finally(() => { this.#loading = null; });
    return this.#loading;
  }
}

/** What a game is called in the language of the page; its own name where there are no words. */
export function titleOf(name) {
  const key = `${wordsOf(name)}.title`;
  if (has(key)) return say(key);
  const words = name.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** One or two sentences that make it playable; empty where there are none. */
export function rulesOf(name) {
  const key = `${wordsOf(name)}.rules`;
  return has(key) ? say(key) : '';
}

export function pictureOf(name) {
  const picture = make('span', 'game-picture');
  picture.append(shape(`game-${PICTURES.has(name) ? name : 'other'}`));
  return picture;
}

/** How many may play: "2 players", "2–16 players". */
export function sizeOf({ least, most }) {
  return least === most
    ? say('play.players', { count: most })
    : say('play.players_range', { least, most });
}
