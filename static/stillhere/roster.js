// The lobby.

import { call } from './calls.js';
import { Mirror } from './mirror.js';

const ROSTER_PAGE = 500; // players in one answer of GET /api/players: the server's maximum

/** `here.roster`. The server lists the first 1,000 by name; `load` gets the others. */
export class Roster extends Mirror {
  players = new Map(); // id -> {id, name, guest, status, awaySince}
  total = 0;
  #awayAfter;
  #meanwhile = null; // changes during a load: id -> change, null if left
  #loading = null;

  /** awayAfter() -> the policy's, in seconds: how long a newly away player has been idle. */
  constructor(awayAfter = () => 0) {
    super();
    this.#awayAfter = awayAfter;
  }

  /** True if all players who are here are in `players`. */
  get isComplete() {
    return !this.isWaiting && this.players.size >= this.total;
  }

  get isLoading() {
    return this.#meanwhile !== null;
  }

  takeWhole({ players, total }) {
    this.players = new Map(players.map((player) => [player.id, listed(player)]));
    this.total = total;
    this.stopLoading();
  }

  takeChange({ joined = [], changed = [], left = [], total }) {
    this.total = total;
    for (const id of left) {
      this.players.delete(id);
      this.#meanwhile?.set(id, null);
    }
    for (const player of joined) {
      this.players.set(player.id, listed(player));
      this.#meanwhile?.delete(player.id);
    }
    for (const change of changed) {
      this.#change(change);
      this.#meanwhile?.set(change.id, change);
    }
    return true;
  }

  /** Loads the players that the server did not list. Rejects with a Problem. */
  load() {
    this.#loading ??= this.#load().finally(() => { this.#loading = null; });
    return this.#loading;
  }

  /** Drops what a load has fetched so far: it may list players who have left. */
  stopLoading() {
    this.#meanwhile = null;
  }

  async #load() {
    this.#meanwhile = new Map();
    const loaded = [];
    let after = '';
    try {
      do {
        const page = await call('GET', '/api/players', { query: { limit: ROSTER_PAGE, after }, isPassive: true });
        loaded.push(...page.players);
        after = page.next;
      } while (after !== null && this.isLoading);
      if (this.isLoading) this.#add(loaded);
    } finally {
      this.stopLoading();
    }
  }

  #add(loaded) {
    const meanwhile = this.#meanwhile;
    for (const player of loaded) {
      if (this.players.has(player.id) || meanwhile.get(player.id) === null) continue;
      this.players.set(player.id, listed(player));
      this.#change(meanwhile.get(player.id) ?? { id: null });
    }
  }

  #change({ id, status, idle_for }) {
    const player = this.players.get(id); // undefined if not listed
    if (!player) return;
    const idle = status === 'away' ? (idle_for ?? this.#awayAfter()) : undefined;
    this.players.set(id, listed({ ...player, status, idle_for: idle }));
  }
}

/** Returns a player as listed, with `awaySince` as an instant of `performance.now()`. */
function listed({ id, name, guest, status, idle_for: idle }) {
  const awaySince = idle === undefined ? null : performance.now() - idle * 1000;
  return { id, name, guest, status, awaySince };
}
