// The connection: opened, and reopened until the server says that the session has ended.

const SUBPROTOCOL = 'stillhere.v1';
const FIRST_PAUSE = 500; // ms
const LONGEST_PAUSE = 15_000;
const STABLE_AFTER = 30_000;
const SOCKET_ANSWER_WITHIN = 10_000;
const LATE = 2000; // if a timer is later, the page was busy, or the machine asleep
const SILENT_AFTER = 25_000;

// Close codes of the client. After 1000 the server grants the shorter grace of a page that left.
const LEAVING = 1000;
const GIVEN_UP = 4000;

/** Close codes and their reasons; the same table as in server/wire/closing.py. */
export const CLOSE_REASONS = {
  4400: 'too_slow',
  4401: 'too_many_messages',
  4402: 'too_many_connections',
  4500: 'not_signed_in',
  4501: 'idle_timeout',
  4502: 'session_lifetime',
  4503: 'signed_out',
  4504: 'kicked',
  4505: 'replaced',
};

/** True if a close code means that the session has ended: the whole range is reserved for that. */
export const isEnd = (code) => code >= 4500 && code <= 4599;

/** True if a session ended because its player wanted that, here or elsewhere. */
export const isOwnWish = (reason) => reason === 'signed_out' || reason === 'signed_out_everywhere';

/** Full jitter, in ms: pages that lost the same server must not reconnect at the same time. */
export function pauseBefore(attempt, random = Math.random) {
  return random() * Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt);
}

export class Socket {
  #state = 'closed'; // closed | connecting | open | reconnecting
  #onMessage;
  #onState;
  #onEnd;
  #socket = null;
  #early = null; // {socket, messages}: opened by `prepare`
  #lastId = 0;
  #attempt = 0;
  #heardAt = 0;
  #downSince = 0;
  #timers = { retry: 0, stable: 0, answer: 0, silence: 0 };

  constructor({ onMessage, onState, onEnd }) {
    this.#onMessage = onMessage;
    this.#onState = onState;
    this.#onEnd = onEnd;
  }

  /** The time without a connection, in ms. */
  get downFor() {
    return this.#state === 'open' ? 0 : performance.now() - this.#downSince;
  }

  /** Connects before it is known whether there is a session; `open` takes over that connection. */
  prepare() {
    if (this.#state !== 'closed' || this.#early !== null) return;
    const early = { socket: dial(), messages: [] };
    early.socket.onmessage = ({ data }) => early.messages.push(data);
    early.socket.onclose = () => { if (this.#early === early) this.#early = null; };
    this.#early = early;
  }

  /** Closes the connection of `prepare`, which is not needed. */
  discard() {
    const { socket } = this.#early ?? {};
    this.#early = null;
    if (socket === undefined) return;
    // Browsers log an error if a socket is closed before it is open.
    if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close(LEAVING);
    else socket.close(LEAVING);
  }

  open() {
    this.close();
    this.#attempt = 0;
    this.#downSince = performance.now();
    this.#become('connecting');
    if (this.#state === 'connecting') this.#dial(); // unless a listener has just closed it
  }

  close() {
    this.#drop(LEAVING);
    this.#become('closed');
  }

  /** The network is back: tests an open connection, or reconnects at once. */
  hurry() {
    if (this.#state === 'open') this.ask({ type: 'look' });
    else if (this.#state === 'reconnecting' && this.#socket === null) this.#dial();
  }

  /**
   * Sends a message with an id, so that it is answered; a ping has its pong. Returns the id, 0 if
   * there is no connection.
   */
  ask(message) {
    if (this.#state !== 'open' || this.#socket.readyState !== WebSocket.OPEN) return 0;
    this.#lastId += 1;
    const numbered = message.type === 'ping' ? message : { id: this.#lastId, ...message };
    this.#socket.send(JSON.stringify(numbered));
    this.#expectAnswer();
    return this.#lastId;
  }

  #dial() {
    clearTimeout(this.#timers.retry);
    const { socket, messages } = this.#early ?? { socket: dial(), messages: [] };
    this.#early = null;
    this.#socket = socket;
    socket.onmessage = (event) => this.#hear(event.data);
    socket.onclose = (event) => this.#lose(event.code);
    this.#expectAnswer();
    for (const message of messages) if (this.#socket === socket) this.#hear(message);
  }

  #hear(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return; // not from the server
    }
    this.#receive(message);
  }

  #receive(message) {
    this.#heardAt = performance.now();
    this.#stop('answer');
    if (message.type === 'signed_out') {
      this.#end(message);
      return;
    }
    if (message.type === 'hello') {
      // Not when it opens: sockets without a live session open too, are told so, and closed.
      this.#timers.stable = setTimeout(() => { this.#attempt = 0; }, STABLE_AFTER);
      this.#listen(SILENT_AFTER);
      this.#become('open');
    }
    this.#onMessage(message);
  }

  #lose(code) {
    this.#drop(GIVEN_UP);
    if (isEnd(code)) {
      this.#end({ reason: CLOSE_REASONS[code] ?? 'signed_out' });
      return;
    }
    if (this.#state === 'open') this.#downSince = performance.now();
    this.#timers.retry = setTimeout(() => this.#dial(), pauseBefore(this.#attempt));
    this.#attempt += 1;
    this.#become('reconnecting');
  }

  #end({ reason, detail = '' }) {
    this.#drop(); // the server closes it
    this.#onEnd({ reason, detail });
    this.#become('closed');
  }

  // Browsers hide protocol pings from scripts, and may notice a dead socket after minutes only. So
  // a missing answer closes the connection, and long silence triggers a request.
  #expectAnswer(wait = SOCKET_ANSWER_WITHIN) {
    if (this.#timers.answer !== 0) return;
    const due = performance.now() + wait;
    this.#timers.answer = setTimeout(() => {
      this.#stop('answer');
      // A page that was blocked may find the answer next in its queue.
      if (performance.now() > due + LATE) this.#expectAnswer(LATE);
      else this.#lose(1006);
    }, wait);
  }

  #listen(wait) {
    this.#timers.silence = setTimeout(() => {
      const left = this.#heardAt + SILENT_AFTER - performance.now();
      if (left <= 0) this.ask({ type: 'look' });
      this.#listen(left > 0 ? left : SILENT_AFTER);
    }, wait);
  }

  #stop(name) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = 0;
  }

  #drop(code = null) {
    for (const name of Object.keys(this.#timers)) this.#stop(name);
    if (this.#socket === null) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    if (code !== null) this.#socket.close(code);
    this.#socket = null;
  }

  #become(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.#onState(state);
  }
}

function dial() {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  return new WebSocket(`${scheme}://${location.host}/ws`, [SUBPROTOCOL]);
}
