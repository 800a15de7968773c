// Who is here: what the server told, version by version.

/** The players of the lobby, version by version. Only a `roster` can start it. */
export class Roster {
  players = new Map(); // id -> {id, name, guest, status, awaySince}
  total = 0;
  isStale = true;
  isWaiting = true;
  #awayAfter;
  #version = 0;
  #meanwhile = null; // what was told while the rest is being loaded: id -> change, null: left

  /** awayAfter() -> the policy's, in seconds: for how long whoever is newly away did nothing. */
  constructor(awayAfter = () => 0) {
    this.#awayAfter = awayAfter;
  }

  /** Whether everybody who is here is among `players`. */
  get isComplete() {
    return !this.isWaiting && this.players.size >= this.total;
  }

  get isLoading() {
    return this.#meanwhile !== null;
  }

  /** A new connection: whatever comes before its first `roster` belongs to nothing known. */
  wait() {
    this.isWaiting = true;
  }

  replace({ version, players, total }) {
    this.players = new Map(players.map((player) => [player.id, seen(player)]));
    this.total = total;
    this.#version = version;
    this.#meanwhile = null;
    this.isWaiting = false;
    return true;
  }

  /** Returns false if something was missed: then the caller has to ask for the roster again. */
  apply({ version, joined = [], changed = [], left = [], total }) {
    if (this.isWaiting) return true; // asked already
    if (version !== this.#version + 1) {
      this.isWaiting = true;
      return false;
    }
    this.#version = version;
    this.total = total;
    for (const id of left) {
      this.players.delete(id);
      this.#meanwhile?.set(id, null);
    }
    for (const player of joined) {
      this.players.set(player.id, seen(player));
      this.#meanwhile?.delete(player.id);
    }
    for (const change of changed) {
      this.#change(change);
      this.#meanwhile?.set(change.id, change);
    }
    return true;
  }

  beginLoading() {
    this.#meanwhile = new Map();
  }

  /** Takes in whom pages listed that were asked for one by one, while changes went on. */
  complete(loaded) {
    const meanwhile = this.#meanwhile;
    if (meanwhile === null) return; // a roster came in between: those pages may tell of ghosts
    this.#meanwhile = null;
    for (const player of loaded) {
      if (this.players.has(player.id) || meanwhile.get(player.id) === null) continue;
      this.players.set(player.id, seen(player));
      this.#change(meanwhile.get(player.id) ?? { id: null });
    }
  }

  giveUpLoading() {
    this.#meanwhile = null;
  }

  #change({ id, status, idle_for }) {
    const player = this.players.get(id); // unknown: beyond those that a large lobby lists
    if (!player) return;
    const idle = status === 'away' ? (idle_for ?? this.#awayAfter()) : undefined;
    this.players.set(id, seen({ ...player, status, idle_for: idle }));
  }
}

/** A player as listed, with the time since when they have been away as an instant of this page. */
function seen({ id, name, guest, status, idle_for: idle }) {
  const awaySince = idle === undefined ? null : performance.now() - idle * 1000;
  return { id, name, guest, status, awaySince };
}
