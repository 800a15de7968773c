// Rooms and games: the list, the queue, and the rooms that this page is in, which it joins again
// after a reconnect.

import { Problem, notSignedIn } from './calls.js';
import { toInstants } from './patch.js';
import { Room } from './room.js';
import { RoomList } from './room-list.js';

const PREFIX = 'room:';

export class Rooms {
  list = new RoomList();
  joined = new Map(); // id -> Room with a snapshot
  queue = null;
  #requests;
  #call;
  #own;
  #tell;
  #onDo;
  // id -> {room, wish, isAsking, hasSnapshot, isLeaving, waiting: [{resolve, reject}]}
  #entries = new Map();
  #isConnected = false;

  /**
   * requests: Requests; call(method, path, options): as in calls.js; own() -> the player's id;
   * tell(event, what): calls the page's listeners; onDo(message, answer): the player acts, `answer`
   * is the promise of the outcome.
   */
  constructor({ requests, call, own, tell, onDo }) {
    this.#requests = requests;
    this.#call = call;
    this.#own = own;
    this.#tell = tell;
    this.#onDo = onDo;
  }

  /** True if the player said "be right back" in a room and is not back. */
  get isAwayOnPurpose() {
    return [...this.joined.values()].some(({ own }) => own?.back_at > performance.now());
  }

  // Calls; only `create` counts as activity

  async games() {
    return (await this.#call('GET', '/api/games', { isPassive: true })).games;
  }

  create({ game, isPrivate = false, bots = 0, level, isAlone = false }) {
    const body = { game, private: isPrivate, ...(bots > 0 && { bots, level }), ...(isAlone && { alone: true }) };
    return this.#call('POST', '/api/rooms', { body });
  }

  /** Returns the listing of one room, private or not. */
  find(id) {
    return this.#call('GET', `/api/rooms/${encodeURIComponent(id)}`, { isPassive: true });
  }

  matches({ player = null, after = null, limit = null } = {}) {
    return this.#call('GET', '/api/matches', { query: { limit, player, after }, isPassive: true });
  }

  async match(id) {
    const path = `/api/matches/${encodeURIComponent(id)}`;
    const { next, ...match } = await this.#call('GET', path, { isPassive: true });
    for (let after = next; after !== undefined;) {
      const more = await this.#call('GET', path, { query: { after }, isPassive: true });
      match.moves = match.moves.concat(more.moves);
      after = more.next;
    }
    return match;
  }

  // Requests on the connection

  join(id, { seat, spectate = false, apply } = {}) {
    let entry = this.#entries.get(id);
    if (entry === undefined || entry.isLeaving) {
      const room = new Room(id, { ask: (message) => this.#ask(message), own: this.#own, apply });
      entry = { room, waiting: [] };
      this.#entries.set(id, entry);
    }
    entry.wish = { ...(seat !== undefined && { seat }), ...(spectate && { spectate }) };
    return new Promise((resolve, reject) => {
      entry.waiting.push({ resolve, reject });
      if (this.#isConnected) this.#enter(entry);
    });
  }

  async quickMatch({ game = null } = {}) {
    this.queue = { game, waiting: 0 };
    await this.#queue().catch((problem) => {
      if (problem.status === 0) return; // requested again after a reconnect
      this.queue = null;
      throw problem;
    });
    return this.queue;
  }

  /** Gives up a seat that is reserved in a room which this page has not entered. */
  async decline(id) {
    await this.#do({ type: 'leave', room: id }).catch(ignoreLoss);
  }

  async cancelQuickMatch() {
    this.queue = null;
    await this.#do({ type: 'quick_match', cancel: true }).catch(ignoreLoss);
  }

  // Internals: requests

  #ask(message) {
    if (message.type === 'leave') return this.#leave(message.room);
    return this.#do(message);
  }

  #do(message) {
    const answer = this.#requests.ask(message);
    this.#onDo(message, answer);
    return answer;
  }

  #queue({ isAgain = false } = {}) {
    const { game } = this.queue;
    const message = { type: 'quick_match', ...(game !== null && { game }) };
    return isAgain ? this.#requests.ask(message) : this.#do(message);
  }

  async #enter(entry) {
    const { room, wish } = entry;
    entry.isAsking = true;
    entry.hasSnapshot = false;
    try {
      await this.#do({ type: 'join', room: room.id, ...wish });
      entry.isAsking = false;
      if (entry.hasSnapshot) resolveJoins(entry);
    } catch (problem) {
      entry.isAsking = false;
      if (problem.status === 0) return; // joined again after a reconnect
      for (const { reject } of entry.waiting.splice(0)) reject(problem);
      if (!this.joined.has(room.id)) this.#entries.delete(room.id);
    }
  }

  // By `watch`: `join` counts as activity, which a reconnect is not, and would take another seat if
  // the player's is lost.
  async #enterAgain({ room }) {
    const topic = PREFIX + room.id;
    try {
      await this.#requests.ask({ type: 'watch', topic });
    } catch (problem) {
      if (problem.status === 0 || this.joined.get(room.id) !== room) return;
      this.#lose(room.id, { reason: problem.code, detail: problem.detail });
    }
  }

  /** The page leaves at once; the server is notified as soon as there is a connection. */
  async #leave(id) {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    entry.isLeaving = true;
    this.joined.delete(id);
    try {
      await this.#do({ type: 'leave', room: id });
    } catch (problem) {
      if (problem.status === 0) return; // sent again after a reconnect
    }
    if (this.#entries.get(id) === entry) this.#entries.delete(id);
  }

  #lose(id, { reason, detail }) {
    this.#entries.delete(id);
    this.joined.delete(id);
    this.#tell('roomClosed', { room: id, reason, detail });
  }

  // Internals: messages

  /** A new connection: joins, leaves and queues again. `isHere`: the player is not away. */
  connected(isHere) {
    this.#isConnected = true;
    this.list.wait();
    for (const entry of [...this.#entries.values()]) {
      const { room, isLeaving, waiting } = entry;
      room.wait();
      if (isLeaving) this.#leave(room.id);
      else if (this.joined.has(room.id) && waiting.length === 0) this.#enterAgain(entry);
      else this.#enter(entry);
    }
    if (this.queue === null) return;
    if (isHere) this.#queue({ isAgain: true }).catch((problem) => this.#queueRefused(problem));
    else this.#hearOfQueue({ waiting: 0, reason: 'away' });
  }

  disconnected() {
    this.#isConnected = false;
    this.list.isStale = true;
    for (const room of this.joined.values()) {
      room.isStale = true;
      this.#tell('room', room);
    }
  }

  /** Called after a sign-out. */
  clear() {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    this.joined.clear();
    this.list.clear();
    this.queue = null;
    for (const { waiting } of entries) {
      for (const { reject } of waiting) reject(notSignedIn());
    }
  }

  /** Returns the mirror of a topic; undefined if it is none of these. */
  mirrorOf(topic) {
    if (topic === 'rooms') return this.list;
    const entry = this.#entryOf(topic);
    return entry?.isLeaving ? undefined : entry?.room;
  }

  /** The mirror of the message's topic was updated. */
  changed(message) {
    if (message.topic === 'rooms') {
      this.#tell('rooms', this.list);
      return;
    }
    const entry = this.#entryOf(message.topic);
    const { room } = entry;
    if (message.type === 'room') {
      this.joined.set(room.id, room);
      entry.hasSnapshot = true;
      if (!entry.isAsking) resolveJoins(entry);
    }
    if (this.joined.has(room.id)) this.#tell('room', room);
    if (message.type === 'said') this.#tell('said', { room, line: message.line });
  }

  /** Takes a message about rooms that belongs to no mirror. */
  hear(message) {
    switch (message.type) {
      case 'room_closed':
        this.#close(message);
        break;
      case 'joined': { // a snapshot before this is from before the join
        const entry = this.#entries.get(message.room);
        if (entry !== undefined) entry.hasSnapshot = false;
        break;
      }
      case 'left': // requested by this page, or by another tab
        if (this.joined.has(message.room)) this.#lose(message.room, { reason: 'left', detail: '' });
        break;
      case 'queued':
        this.#hearOfQueue(message);
        break;
      case 'matched':
        this.queue = null;
        this.#tell('matched', offerOf(message, 'game'));
        break;
      case 'pulse':
        this.#tell('pulse', offerOf(message, 'by'));
        break;
      default:
    }
  }

  #entryOf(topic) {
    return topic.startsWith(PREFIX) ? this.#entries.get(topic.slice(PREFIX.length)) : undefined;
  }

  #close({ topic, reason, detail }) {
    const entry = this.#entryOf(topic);
    if (entry === undefined) return;
    const { id } = entry.room;
    const problem = new Problem(404, { code: 'no_such_room', detail });
    for (const { reject } of entry.waiting.splice(0)) reject(problem);
    if (entry.isLeaving) this.#entries.delete(id);
    else this.#lose(id, { reason, detail });
  }

  #queueRefused(problem) {
    if (problem.status !== 0) this.#hearOfQueue({ waiting: 0, reason: problem.code });
  }

  #hearOfQueue({ game = null, waiting, reason = null }) {
    if (waiting === 0) this.queue = null;
    else this.queue = { game, waiting };
    this.#tell('queued', { game, waiting, reason });
  }
}

function resolveJoins({ room, waiting }) {
  for (const { resolve } of waiting.splice(0)) resolve(room);
}

/** Returns the room, another field, and the instant until which a message is valid. */
function offerOf(message, field) {
  const { room, [field]: value, expires_at: expiresAt } = toInstants(message);
  return { room, [field]: value, expiresAt };
}

function ignoreLoss(problem) {
  if (problem.status !== 0) throw problem;
}
