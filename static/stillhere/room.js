// One room that this page is in: what the server told of it, version by version, and what its
// player does there.

import { mergePatch, toInstants } from './patch.js';

const LINES = 50; // of the chat; the server keeps as many

export class Room {
  seat = null;
  info = null;
  view = null;
  chat = [];
  isStale = true;
  #ask;
  #own;
  #apply;
  #version = 0;
  #isWaiting = true;

  /**
   * ask(message) -> Promise; own() -> the id of the player; apply(view, diff) -> the next view: a
   * game's own way, if it has one.
   */
  constructor(id, { ask, own, apply }) {
    this.id = id;
    this.#ask = ask;
    this.#own = own;
    this.#apply = apply ?? mergePatch;
  }

  /** The own seat, as `info.seats` has it; null for a spectator. */
  get own() {
    return this.info?.seats[this.seat] ?? null;
  }

  // What the player does. Each resolves when the server has done it; see Requests.

  /** A game action. */
  act(action) {
    return this.#ask({ type: 'act', room: this.id, action });
  }

  /** Begins the match, or wants the next one. */
  start() {
    return this.#ask({ type: 'start', room: this.id });
  }

  say(text) {
    return this.#ask({ type: 'say', room: this.id, text });
  }

  /** `win` or `draw`, where somebody has dropped out for long enough. */
  claim(result) {
    return this.#ask({ type: 'claim', room: this.id, result });
  }

  /** Asks the player in `seat` whether they are there. */
  pulse(seat) {
    return this.#ask({ type: 'pulse', room: this.id, seat });
  }

  /** Be right back, within so many seconds of the own budget; 0: back. */
  brb(seconds) {
    return this.#ask({ type: 'brb', room: this.id, seconds });
  }

  leave() {
    return this.#ask({ type: 'leave', room: this.id });
  }

  // What the server says

  /** A new connection: whatever comes before its first `room` belongs to nothing known. */
  wait() {
    this.#isWaiting = true;
  }

  replace({ version, room, chat }) {
    const { match, ...info } = toInstants(room);
    const { view = null, ...rest } = match ?? {};
    this.#take(match === undefined ? info : { ...info, match: rest });
    this.view = view;
    this.chat = chat;
    this.#version = version;
    this.#isWaiting = this.isStale = false;
  }

  /** A `room_changed` or `said`. Returns false if something was missed: then it has to be asked for. */
  apply({ version, room, view, line }) {
    if (this.#isWaiting) return true; // asked already
    if (version !== this.#version + 1) {
      this.#isWaiting = true;
      return false;
    }
    this.#version = version;
    if (line !== undefined) this.chat = [...this.chat, line].slice(-LINES);
    if (room !== undefined) this.#take(mergePatch(this.info, toInstants(room)));
    if (this.info.match === undefined) this.view = null;
    else if (view !== undefined) this.view = this.#next(toInstants(view));
    return !this.#isWaiting;
  }

  // Who sits where changes while one sits there: those who play get the first seats.
  #take(info) {
    const own = this.#own();
    const found = Object.entries(info.seats).find(([, { player }]) => player?.id === own);
    this.info = info;
    this.seat = found === undefined ? null : Number(found[0]);
  }

  #next(diff) {
    try {
      return this.#apply(this.view, diff);
    } catch (error) {
      reportError(error); // a game's bug; the whole view is better than none
      this.#isWaiting = true;
      return this.view;
    }
  }
}
