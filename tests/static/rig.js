// Replaces network and clock in the page: sockets and calls that the test answers, as strict as a
// browser's own, and timers that fire when the test lets time pass.

// A clock that the test moves

const turns = new MessageChannel();
const waiting = [];
turns.port1.onmessage = () => waiting.shift()();
/** Resolves after all code that waits only for promises. */
const turn = () => new Promise((resolve) => {
  waiting.push(resolve);
  turns.port2.postMessage(null);
});

class Clock {
  now = 1_000_000;
  timers = new Map(); // id -> {at, every, strike}
  #id = 0;

  set(strike, wait, every) {
    this.#id += 1;
    this.timers.set(this.#id, { at: this.now + Math.max(0, wait || 0), every, strike });
    return this.#id;
  }

  /** Fires every timer as often as it is due. */
  async pass(ms) {
    const end = this.now + ms;
    for (;;) {
      const [id, timer] = this.#next();
      if (timer === undefined || timer.at > end) break;
      this.now = Math.max(this.now, timer.at);
      this.#strike(id, timer);
      await turn();
    }
    this.now = end;
    abortWhatIsLate();
    await turn();
  }

  /** Fires each timer that is due by then once, late. */
  async jump(ms) {
    this.now += ms;
    for (const [id, timer] of [...this.timers].sort((a, b) => a[1].at - b[1].at)) {
      if (timer.at > this.now || !this.timers.has(id)) continue;
      this.#strike(id, timer);
      await turn();
    }
    await turn();
  }

  #next() {
    return [...this.timers].sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0] ?? [];
  }

  #strike(id, timer) {
    if (timer.every > 0) timer.at = this.now + timer.every;
    else this.timers.delete(id);
    timer.strike();
  }
}

const clock = new Clock();
performance.now = () => clock.now;
window.setTimeout = (strike, wait) => clock.set(strike, wait, 0);
window.setInterval = (strike, wait) => clock.set(strike, wait, wait);
window.clearTimeout = window.clearInterval = (id) => { clock.timers.delete(id); };


// The browser's own timeouts, which a page cannot clear and which are not among its timers.
const limits = [];
AbortSignal.timeout = (ms) => {
  const controller = new AbortController();
  limits.push({ at: clock.now + ms, controller });
  return controller.signal;
};
function abortWhatIsLate() {
  for (const { at, controller } of limits) {
    if (at <= clock.now) controller.abort(new DOMException('late', 'TimeoutError'));
  }
}

// The network

const DEFAULTS = {
  player: { id: 'ada', name: 'Ada', guest: true, status: 'active' },
  session: { id: 's1', expires_in: 300, warns_in: 240, ends_in: 43200, remember: false },
  policy: {
    away_after: 120, warn_before: 60, idle_timeout: 300, session_lifetime: 43200,
    reload_grace: 5, reconnect_grace: 30,
  },
};

class FakeSocket {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSING = 2;
  static CLOSED = 3;
  readyState = FakeSocket.CONNECTING;
  sent = []; // without ids
  asked = []; // {id, type} of messages without `done` or `error` yet
  closedWith = null;
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  madeAt = performance.now();

  constructor(url, protocols) {
    Object.assign(this, { url, protocols });
    rig.sockets.push(this);
    if (rig.isServing) queueMicrotask(() => this.tell({ type: 'hello', ...rig.view }));
  }

  send(text) {
    if (this.readyState !== FakeSocket.OPEN) throw new DOMException('not open', 'InvalidStateError');
    const { id, ...message } = JSON.parse(text);
    this.sent.push(message);
    rig.sent.push(message);
    if (id !== undefined) this.asked.push({ id, type: message.type });
    if (rig.isServing) queueMicrotask(() => this.#answer(message));
  }

  close(code) {
    const isAllowed = code === undefined || code === 1000 || (code >= 3000 && code <= 4999);
    if (!isAllowed) throw new DOMException('no such code', 'InvalidAccessError');
    this.closedWith ??= code ?? 1005;
    this.readyState = FakeSocket.CLOSING;
  }

  // The server's side

  tell(message) {
    if (this.readyState > FakeSocket.OPEN) return;
    if (this.readyState === FakeSocket.CONNECTING) {
      this.readyState = FakeSocket.OPEN;
      this.onopen?.({});
    }
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  /** The `done` or (with `code` and `detail`) `error` of the oldest message of a type. */
  answer(type, refusal = null) {
    const index = this.asked.findIndex((asked) => asked.type === type);
    if (index === -1) throw new Error(`no ${type} waits for an answer`);
    const [{ id }] = this.asked.splice(index, 1);
    if (refusal === null) this.tell({ type: 'done', id });
    else this.tell({ type: 'error', re: type, id, ...refusal });
  }

  end(code) {
    this.readyState = FakeSocket.CLOSED;
    this.onclose?.({ code, reason: '', wasClean: code !== 1006 });
  }

  #answer({ type, topic, seconds }) {
    const { idle_timeout: idle } = rig.view.policy;
    if (type === 'look') this.tell({ type: 'session', ...rig.view });
    if (type === 'ping') this.tell({ type: 'pong', expires_in: idle });
    if (type === 'hold') this.tell({ type: 'held', seconds, expires_in: idle + seconds });
    if (type === 'release') this.tell({ type: 'held', seconds: 0, expires_in: idle });
    if (type === 'watch') this.tell({ type: 'roster', topic, version: 1, players: [], total: 0 });
    if (this.asked.some((asked) => asked.type === type)) this.answer(type);
  }
}

window.rig = {
  sockets: [],
  sent: [], // over all sockets
  calls: [],
  answers: {}, // 'GET /api/session' -> [answer, ...]; the last one is repeated
  told: [], // [event, what]
  beacons: [],
  errors: [],
  complaints: [], // warnings of the console
  clock,
  isServing: false,
  isPending: false, // whether calls wait for `settle`
  waiting: [],
  view: structuredClone(DEFAULTS),

  get socket() {
    return this.sockets.at(-1);
  },

  settle() {
    for (const go of this.waiting.splice(0)) go();
  },
};

// A browser grants locks from another process, after a while.
let lock = Promise.resolve();
navigator.locks.request = (_, act) => {
  const done = lock.then(act);
  lock = done.catch(() => {});
  return done;
};
const warn = console.warn.bind(console);
console.warn = (text) => {
  rig.complaints.push(text);
  warn(text);
};
window.WebSocket = FakeSocket;
navigator.sendBeacon = (url) => rig.beacons.push(url) > 0;
window.addEventListener('error', (event) => {
  rig.errors.push(String(event.error?.message ?? event.message));
  event.preventDefault();
});
window.addEventListener('unhandledrejection', (event) => {
  rig.errors.push(`unhandled: ${event.reason}`);
  event.preventDefault();
});

window.fetch = async (path, { method = 'GET', headers = {}, body, signal } = {}) => {
  const isPassive = headers.Passive === '1';
  rig.calls.push({ method, path, isPassive, body: body && JSON.parse(body), at: performance.now() });
  const late = new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
  late.catch(() => {}); // usually nothing awaits it any more
  if (rig.isPending) {
    await Promise.race([late, new Promise((resolve) => { rig.waiting.push(resolve); })]);
  }
  const queue = rig.answers[`${method} ${path.split('?')[0]}`] ?? [{ status: 404, json: {} }];
  const answer = queue.length > 1 ? queue.shift() : queue[0];
  if (answer === null) throw new TypeError('Failed to fetch');
  const { status = 200, json, text, headers: said = {} } = answer;
  return {
    status,
    ok: status >= 200 && status <= 299,
    headers: new Headers(said),
    json: async () => (text === undefined ? structuredClone(json ?? rig.view) : JSON.parse(text)),
  };
};
