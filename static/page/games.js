// The games: as the server lists them, and their page parts.

import { byId, make, shape } from '/static/page/elements.js';
import { language, say, sayIn } from '/static/page/language.js';

const SIZE = '0 0 48 48'; // of a picture
const parts = new Map(); // name -> module: class, words, picture, style
const styles = new Map(); // name -> promise of the loaded style

// The server lists the page parts. They are loaded along with the language and the session, so that
// they do not delay the page. If a part fails to load, its game is shown plainly.
const named = [...document.querySelectorAll('meta[name=page-part]')];
const areLoaded = Promise.all(named.map(async ({ content: address, dataset: { game } }) => {
  try {
    const part = await import(address);
    if (typeof part.default !== 'function') throw new TypeError(`${address} exports no class`);
    if (part.picture) addPicture(game, part.picture);
    parts.set(game, part);
  } catch (error) {
    reportError(error);
  }
}));

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

  /** Undefined until loaded, and for a game that was removed. */
  get(name) {
    return this.#byName.get(name);
  }

  /** Rejects with a Problem. Loaded once: games do not change while a server runs. */
  load() {
    if (this.#byName.size > 0) return Promise.resolve(this);
    this.#loading ??= Promise.all([this.#here.rooms.games(), areLoaded]).then(([games]) => {
      this.#byName = new Map(games.map((game) => [game.name, game]));
      return this;
    }).finally(() => { this.#loading = null; });
    return this.#loading;
  }
}

/** Returns the class that draws matches of a game; null if there is none. */
export const partOf = (name) => parts.get(name)?.default ?? null;

/** Resolves when a game's style has loaded, or failed to. */
export function styleOf(name) {
  const href = parts.get(name)?.style;
  if (!href) return Promise.resolve();
  if (!styles.has(name)) {
    styles.set(name, new Promise((resolve) => {
      const link = make('link');
      link.rel = 'stylesheet';
      link.href = href;
      link.onload = link.onerror = resolve;
      document.head.append(link);
    }));
  }
  return styles.get(name);
}

/** Returns the `say` of a game: its own texts if it has any, otherwise the page's. */
export function sayOf(name) {
  const words = parts.get(name)?.words;
  return words === undefined ? say : (key, values) => sayIn(words, key, values);
}

/** Returns a game's title in the language of the page; its name if it has no texts. */
export function titleOf(name) {
  const title = textOf(name, 'title');
  if (title) return title;
  const words = name.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Returns the rules in one or two sentences; empty if there are none. */
export const rulesOf = (name) => textOf(name, 'rules');

function textOf(name, key) {
  const words = parts.get(name)?.words;
  return words?.[language()]?.[key] ?? words?.en?.[key] ?? '';
}

export function pictureOf(name) {
  const picture = make('span', 'game-picture');
  picture.append(shape(`game-${parts.get(name)?.picture ? name : 'other'}`));
  return picture;
}

/** Returns the number of players: "2 players", "2–16 players". */
export function sizeOf({ least, most }) {
  return least === most
    ? say('play.players', { count: most })
    : say('play.players_range', { least, most });
}

/** `picture`: the content of an SVG of 48 by 48. */
function addPicture(name, picture) {
  const text = `<svg xmlns="http://www.w3.org/2000/svg"><symbol id="game-${name}" viewBox="${SIZE}">${picture}</symbol></svg>`;
  const symbol = new DOMParser().parseFromString(text, 'image/svg+xml').querySelector('symbol');
  if (symbol === null) throw new TypeError(`the picture of ${name} is no SVG`);
  byId('shapes').append(document.adoptNode(symbol));
}
