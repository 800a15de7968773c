// The board: an instance of the game's page part for each match, and a placeholder before the
// first.

import { byId, make, write } from '/static/page/elements.js';
import { pictureOf, rulesOf, sayOf, titleOf } from '/static/page/games.js';
import { onLanguage } from '/static/page/language.js';
import { PlainGame } from '/static/page/plain-game.js';
import { Problem } from '/static/stillhere.js';

export class RoomBoard {
  #onProblem;
  #part = null;
  #drawn = ''; // the match, and the seat of the view
  #last = []; // the last arguments drawn
  #room = null;
  #Part = null;
  #say = null;

  /** onProblem(problem): an action failed for another reason than the rules of the game. */
  constructor({ onProblem }) {
    this.#onProblem = onProblem;
    onLanguage(() => this.#drawAnew());
  }

  /** Part: the class of the game's page part, or null. */
  use(game, Part) {
    this.clear();
    this.#Part = Part ?? PlainGame;
    this.#say = sayOf(game);
    byId('room-table').dataset.cards = Part?.cards ?? '';
  }

  clear() {
    this.#part?.destroy();
    this.#part = null;
    this.#drawn = '';
    this.#last = [];
    this.#room = null;
    for (const id of ['board', 'room-line']) byId(id).replaceChildren();
  }

  draw(room) {
    this.#room = room;
    const { info, view, seat, isStale } = room;
    const hasMatch = hasBoard(room);
    byId('board').hidden = !hasMatch;
    byId('board').inert = isStale;
    byId('board-card').classList.toggle('is-stale', isStale);
    byId('board-stale').hidden = !isStale;
    byId('board-rest').hidden = hasMatch;
    if (!hasMatch) {
      this.#drawRest(info.game);
      return;
    }
    const which = `${info.match.id} ${seat}`;
    if (which !== this.#drawn) this.#begin(room, which);
    if ([view, info.match, info.seats].every((each, at) => each === this.#last[at])) return;
    this.#last = [view, info.match, info.seats];
    this.#guard(() => this.#part.draw({
      view, waitsFor: info.match.waits_for ?? [], outcome: info.match.outcome ?? null,
    }));
  }

  #begin(room, which) {
    this.#part?.destroy();
    for (const id of ['board', 'room-line']) byId(id).replaceChildren();
    this.#drawn = which;
    this.#last = [];
    const element = make('div');
    byId('board').append(element);
    const table = {
      seat: playsIn(room.info, room.seat) ? room.seat : null,
      act: (action) => this.#act(room, action),
      say: this.#say,
      seats: () => seatsOf(room),
      line: byId('room-line'),
    };
    this.#guard(() => { this.#part = new this.#Part(element, table); });
  }

  async #act(room, action) {
    if (room.isStale) {
      const problem = new Problem(0, { code: 'no_connection' });
      this.#onProblem(problem);
      throw problem;
    }
    try {
      return await room.act(action);
    } catch (problem) {
      if (problem.code !== 'not_allowed' && problem.code !== 'invalid') this.#onProblem(problem);
      throw problem;
    }
  }

  // A bug of the game must not stop the drawing of the room.
  #guard(draw) {
    try {
      draw();
    } catch (error) {
      reportError(error);
    }
  }

  #drawRest(game) {
    const rest = byId('board-rest');
    if (rest.dataset.game !== game) byId('board-picture').replaceChildren(pictureOf(game));
    rest.dataset.game = game;
    write(byId('board-title'), titleOf(game));
    write(byId('board-rules'), rulesOf(game));
  }

  #drawAnew() {
    const room = this.#room;
    if (room === null) return;
    this.#drawn = '';
    this.draw(room);
  }
}

/** True from the beginning of the first match on. */
export const hasBoard = ({ info, view }) => info.match !== undefined && view !== null;

/** True while a match runs. */
export const isRunning = ({ match }) => match !== undefined && match.outcome === undefined;

/** Returns the seats whose turn it is. If the match waits for all who play, there is no turn to show. */
export function turnsOf({ match, seats }) {
  const waits = match?.waits_for ?? [];
  const playing = Object.values(seats).filter((seat) => seat.brb_left !== undefined).length;
  return waits.length < playing ? waits : [];
}

/** Returns the number of seats without a player. */
export function freeSeats({ seats }) {
  return Object.values(seats).filter(({ player }) => player === undefined).length;
}

/** True if the player in `seat` plays in the match. */
export function playsIn({ match, seats }, seat) {
  const player = seats[seat]?.player;
  return match !== undefined && player !== undefined && match.players[seat]?.id === player.id;
}

/** True if the player of this page plays in the running match, and is not out of it. */
export function isInMatch({ info, seat, own }) {
  return isRunning(info) && playsIn(info, seat) && !own.gone;
}

/** True while a match runs in which the player of this page plays against bots, or alone. */
export function isPractice(room) {
  const others = Object.entries(room.info.seats).filter(([seat, { player }]) => Number(seat) !== room.seat && player);
  return isInMatch(room) && others.every(([, { player }]) => player.bot);
}

function seatsOf({ info, seat: own }) {
  const { match, seats } = info;
  return match.players.map(({ id, name }, seat) => {
    const now = seats[seat]?.player?.id === id ? seats[seat] : {};
    return {
      seat, name, isOwn: seat === own && playsIn(info, own), isBot: now.bot === true,
      isGone: now.gone === true || now.player === undefined,
    };
  });
}
