// One room that this page is in, and the player's actions.

import { Mirror } from './mirror.js';
import { mergePatch, toInstants } from './patch.js';

const LINES = 50; // of chat; the server keeps as many

export class Room extends Mirror {
  seat = null;
  info = null;
  view = null;
  chat = [];
  #ask;
  #own;
  #apply;

  /**
   * ask(message) -> Promise; own() -> the player's id; apply(view, diff) -> the next view, for games
   * with diffs of their own.
   */
  constructor(id, { ask, own, apply }) {
    super();
    this.id = id;
    this.#ask = ask;
    this.#own = own;
    this.#apply = apply ?? mergePatch;
  }

  /** The player's seat in `info.seats`; null for a spectator. */
  get own() {
    return this.info?.seats[this.seat] ?? null;
  }

  // Actions. Each resolves when the server has done it; see Requests.

  /** A game action. */
  act(action) {
    return this.#ask({ type: 'act', room: this.id, action });
  }

  /** Begins the match, or votes for the next one. */
  start() {
    return this.#ask({ type: 'start', room: this.id });
  }

  say(text) {
    return this.#ask({ type: 'say', room: this.id, text });
  }

  /** Claims a `win` or `draw`, if a player dropped out for long enough. */
  claim(result) {
    return this.#ask({ type: 'claim', room: this.id, result });
  }

  /** Asks the player in `seat` whether they are there. */
  pulse(seat) {
    return this.#ask({ type: 'pulse', room: this.id, seat });
  }

  /** Be right back within so many seconds, from the player's budget; 0: back. */
  brb(seconds) {
    return this.#ask({ type: 'brb', room: this.id, seconds });
  }

  leave() {
    return this.#ask({ type: 'leave', room: this.id });
  }

  // Messages of the server

  takeWhole({ room, chat }) {
    const { match, ...info } = toInstants(room);
    const { view = null, ...rest } = match ?? {};
    this.#take(match === undefined ? info : { ...info, match: rest });
    this.view = view;
    this.chat = chat;
  }

  /** Takes `room_changed` or `said`. Returns false if the game failed to apply the diff of its
   * view. */
  takeChange({ room, view, line }) {
    if (line !== undefined) this.chat = [...this.chat, line].slice(-LINES);
    if (room !== undefined) this.#take(mergePatch(this.info, toInstants(room)));
    if (this.info.match === undefined) this.view = null;
    else if (view !== undefined) return this.#takeDiff(toInstants(view));
    return true;
  }

  // The player's seat can change: when a match begins, its players get the first seats.
  #take(info) {
    const own = this.#own();
    const found = Object.entries(info.seats).find(([, { player }]) => player?.id === own);
    this.info = info;
    this.seat = found === undefined ? null : Number(found[0]);
  }

  #takeDiff(diff) {
    try {
      this.view = this.#apply(this.view, diff);
      return true;
    } catch (error) {
      reportError(error); // a bug of the game's page part
      return false;
    }
  }
}
