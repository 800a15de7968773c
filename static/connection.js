// The page's one connection: opens it, keeps reopening it, and says when that is pointless.
// It knows nothing of the page.

import { END_REASONS, isEnd } from '/static/reasons.js';

const SUBPROTOCOL = 'stillhere.v1';
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
const STABLE_AFTER = 30_000;
const ANSWER_WITHIN = 10_000;
// What we close with. The server shortens the grace for a page that leaves; a connection that we
// only gave up on must not look like that.
const LEAVING = 1000;
const GIVEN_UP = 4000;

/** Full jitter: a thousand pages that lost the same server must not come back in step. */
export function pauseBefore(attempt, random = Math.random) {
  return random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt);
}

export class Connection {
  state = 'closed'; // closed | connecting | open | reconnecting
  #onMessage;
  #onState;
  #onEnded;
  #socket = null;
  #attempt = 0;
  #retry = 0;
  #stable = 0;
  #overdue = 0;

  /** onMessage(message), onState(state), onEnded({reason, detail}): the last one means for good. */
  constructor({ onMessage, onState, onEnded }) {
    this.#onMessage = onMessage;
    this.#onState = onState;
    this.#onEnded = onEnded;
  }

  open() {
    this.close();
    this.#attempt = 0;
    this.#become('connecting');
    this.#dial();
  }

  close() {
    this.#drop(LEAVING);
    this.#become('closed');
  }

  /** The network is said to be back: check a connection that looks open, hurry one that is not. */
  hurry() {
    if (this.state === 'open') this.watch('lobby');
    else if (this.state === 'reconnecting' && this.#socket === null) this.#dial();
  }

  /** Activity. False if there is no connection to tell it by. */
  ping() {
    return this.#ask({ type: 'ping' });
  }

  /** Not activity, so it doubles as the probe of a connection that may be dead. */
  watch(topic) {
    return this.#ask({ type: 'watch', topic });
  }

  #ask(message) {
    if (this.state !== 'open' || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    this.#expectAnswer();
    return true;
  }

  #dial() {
    clearTimeout(this.#retry);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.#socket = new WebSocket(`${scheme}://${location.host}/ws`, [SUBPROTOCOL]);
    this.#socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    this.#socket.onclose = (event) => this.#lose(event.code);
    this.#expectAnswer();
  }

  #receive(message) {
    this.#stopExpecting();
    if (message.type === 'signed_out') {
      this.#end(message);
      return;
    }
    if (message.type === 'hello') {
      // Only now: a socket without a live session opens as well, to be told so and closed.
      this.#stable = setTimeout(() => { this.#attempt = 0; }, STABLE_AFTER);
      this.#become('open');
    }
    this.#onMessage(message);
  }

  #lose(code) {
    this.#drop(GIVEN_UP);
    if (isEnd(code)) {
      this.#end({ reason: END_REASONS[code] ?? 'signed_out', detail: '' });
      return;
    }
    this.#become('reconnecting');
    this.#retry = setTimeout(() => this.#dial(), pauseBefore(this.#attempt));
    this.#attempt += 1;
  }

  #end({ reason, detail = '' }) {
    this.#drop(); // the server closes, with the code that says why
    this.#become('closed');
    this.#onEnded({ reason, detail });
  }

  // A browser hides protocol pings from scripts and can take minutes to notice a dead socket:
  // an answer that stays away is the only sign there is.
  #expectAnswer() {
    if (this.#overdue === 0) this.#overdue = setTimeout(() => this.#lose(1006), ANSWER_WITHIN);
  }

  #stopExpecting() {
    clearTimeout(this.#overdue);
    this.#overdue = 0;
  }

  #drop(code = null) {
    clearTimeout(this.#retry);
    clearTimeout(this.#stable);
    this.#stopExpecting();
    if (this.#socket === null) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    if (code !== null) this.#socket.close(code);
    this.#socket = null;
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.#onState(state);
  }
}
