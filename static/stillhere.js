// Still Here in a page: who is signed in, a connection that comes back by itself, the warning, and
// who else is here. No dependencies; `stillhere.d.ts` beside this file says what everything is.
//
//   import { StillHere } from '/static/stillhere.js';
//   const here = new StillHere({ watch: ['lobby'] });
//   here.on('warning', ({ reason, left }) => askWhetherTheyAreStillThere(left));
//   if (!(await here.start())) await here.signInAsGuest('Ada');
//
// Nothing here counts time by ticks, and nothing that matters hangs on a timer: browsers let hidden
// pages have one a minute. Deadlines are instants of `performance.now()`; the server decides.

import { Activity } from './stillhere/activity.js';
import { Problem, call } from './stillhere/calls.js';
import { Requests } from './stillhere/requests.js';
import { Rooms } from './stillhere/rooms.js';
import { Roster } from './stillhere/roster.js';
import { CLOSE_REASONS, Socket, isEnd, pauseBefore } from './stillhere/socket.js';

export { CLOSE_REASONS, Problem, isEnd };

const STAY_AGAIN_AFTER = 1000; // ms, as all times in here whose names do not end in `For` or `In`
const STAY_ANSWER_WITHIN = 3000;
const OVERDUE_AFTER = 2000;
const SPARE_AFTER = 10_000;
const SAME = 500; // two answers about one deadline differ by their ways here
const PAGE = 500; // players in one answer of GET /api/players, the most there may be

export class StillHere {
  player = null;
  session = null;
  policy = null;
  connection = 'closed';
  roster = this.#newRoster();

  #listeners = new Map(); // event -> Set of functions
  #socket;
  #activity;
  #requests = new Requests((message) => this.#socket.ask(message));
  rooms = this.#newRooms();
  #topics;
  #warnings = new Map(); // reason -> when it strikes
  #expiresAt = Infinity;
  #heldUntil = -Infinity;
  #isHeldAway = false;
  #isAwayAsked = false;
  #wantedHold = null; // asked for while there was nobody to ask
  #told = null; // the own status that listeners know of
  #heard = 0; // messages of the connection
  #ownInLobby = null; // the own status as the lobby told it last
  #stayedAt = -Infinity;
  #timers = { stay: 0, overdue: 0, away: 0, start: 0 };
  #isAsleep = false; // a remembered session that timed out; only its player wakes it
  #starting = null;
  #hurryStart = () => {};
  #page = new AbortController();
  #loading = null;

  constructor({ watch = [], input = globalThis.window } = {}) {
    this.#topics = new Set(watch);
    this.#socket = new Socket({
      onMessage: (message) => this.#receive(message),
      onSent: (message) => this.#requests.sent(message),
      onState: (state) => this.#become(state),
      onEnd: (end) => this.#end(end),
    });
    this.#activity = new Activity({
      // Moving a mouse on the way out must not call back whoever has just said goodbye.
      isDeliberateOnly: () =>
        this.#warnings.has('idle_timeout') || this.isAwayOnPurpose || this.rooms.isAwayOnPurpose,
      isAway: () => this.status === 'away',
      report: () => this.#report(),
      answer: () => (this.isAwayOnPurpose ? this.#comeBack() : this.stay()),
    });
    this.#activity.listen(input, this.#page.signal);
    this.#followThePage();
  }

  // What is known

  get isSignedIn() {
    return this.session !== null;
  }

  /** This session's own status, as far as this page knows; null when not signed in. */
  get status() {
    if (this.player === null) return null;
    if (this.connection === 'reconnecting') return 'reconnecting';
    return this.#warnings.has('idle_timeout') ? 'warned' : this.player.status;
  }

  /** The warnings that stand, `{reason, left}` in seconds, the one that strikes first in front. */
  get warnings() {
    const now = performance.now();
    return [...this.#warnings]
      .map(([reason, at]) => ({ reason, left: (at - now) / 1000 }))
      .sort((a, b) => a.left - b.left);
  }

  /** Seconds until the session ends by itself if nothing is done. */
  get expiresIn() {
    return Math.max(0, (this.#expiresAt - performance.now()) / 1000);
  }

  /** Seconds that are left of a hold; 0 without one. */
  get heldFor() {
    return Math.max(0, (this.#heldUntil - performance.now()) / 1000);
  }

  /** Whether the hold that runs is a "be right back". */
  get isAwayOnPurpose() {
    return this.heldFor > 0 && this.#isHeldAway;
  }

  /** Calls `listener` with what the event says; returns a function that ends that. */
  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return () => this.#listeners.get(event).delete(listener);
  }

  // Coming in

  /** Whether this browser is signed in; if so, connects. Asks again until the server answers. */
  start() {
    this.#hurryStart(); // whoever asks again while it waits wants no more waiting
    this.#starting ??= this.#start().finally(() => { this.#starting = null; });
    return this.#starting;
  }

  signInAsGuest(name) {
    return this.#signIn('/api/guests', { name });
  }

  register(name, password) {
    return this.#signIn('/api/players', { name, password });
  }

  signIn(name, password, { remember = false } = {}) {
    return this.#signIn('/api/session', { name, password, remember });
  }

  // Staying

  /** "I'm still here": over the connection, and by a request if that does not answer. */
  stay() {
    if (!this.isSignedIn) return;
    // A click is heard by the page and by its button; one of them is enough.
    if (performance.now() - this.#stayedAt < STAY_AGAIN_AFTER) return;
    this.#stayedAt = performance.now();
    clearTimeout(this.#timers.stay);
    const isSent = this.#socket.ask({ type: 'ping' });
    if (!isSent) this.#activity.owe(); // for the request below may fail as well
    const wait = isSent ? STAY_ANSWER_WITHIN : 0;
    this.#timers.stay = setTimeout(() => this.#tellByRequest(), wait);
  }

  /** What a game knows to be the player's doing, and no event of this page tells. */
  active() {
    this.#activity.note(true);
  }

  /** Busy without input for so many seconds; `away`: be right back. `held` tells what is granted. */
  hold(seconds, { why, away = false } = {}) {
    if (away) {
      this.#socket.ask({ type: 'ping' }); // whoever says so is here, and withdraws a warning
      this.#activity.pause();
    }
    this.#isAwayAsked = away;
    const message = { type: 'hold', seconds, ...(why && { why }), ...(away && { away }) };
    this.#wantedHold = this.#socket.ask(message)
      ? null
      : { message, until: performance.now() + seconds * 1000 };
  }

  /** Ends a hold. After a "be right back" that is to be here again. */
  release() {
    if (this.isAwayOnPurpose) this.#comeBack();
    else this.#endHold();
  }

  // Who is here

  watch(topic) {
    this.#topics.add(topic);
    this.#socket.ask({ type: 'watch', topic });
  }

  unwatch(topic) {
    this.#topics.delete(topic);
    if (topic === 'rooms') this.rooms.list.clear();
    this.#socket.ask({ type: 'unwatch', topic });
  }

  /** Gets those of a large lobby whom the server did not list by itself. Rejects with a Problem. */
  loadRoster() {
    if (this.#loading !== null) return this.#loading;
    const loading = this.#loadRoster().finally(() => {
      if (this.#loading === loading) this.#loading = null;
    });
    this.#loading = loading;
    return loading;
  }

  /** Any other message, a game's action for one. False if there is no connection to send it by. */
  send(message) {
    return this.#socket.ask(message);
  }

  // The own sessions

  /** Looks anew at what the server knows; that is no activity. */
  async look() {
    if (!this.isSignedIn) return this.#lookForASession();
    if (!this.#socket.ask({ type: 'look' })) await this.#try('GET', '/api/session');
    return this.isSignedIn;
  }

  async sessions() {
    return (await this.#call('GET', '/api/sessions', { isPassive: true })).sessions;
  }

  /** `before`: the `next` of the page before. */
  async history({ before = null, limit = 50 } = {}) {
    if (!this.isSignedIn) throw new Problem(401, { code: 'not_signed_in' });
    const query = new URLSearchParams({ limit, ...(before !== null && { before }) });
    const path = `/api/players/${this.player.id}/history?${query}`;
    return this.#call('GET', path, { isPassive: true });
  }

  async signOut() {
    if (!this.isSignedIn) return;
    // By its id: the cookie may be somebody else's by now, who signed in in another tab.
    const { id } = this.session;
    try {
      await this.#call('DELETE', `/api/sessions/${id}`);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status !== 404) throw problem;
    }
    // The connection may have told before.
    if (this.session?.id === id) await this.#end({ reason: 'signed_out', detail: '' });
  }

  async signOutEverywhere() {
    if (!this.isSignedIn) return;
    const { id } = this.session;
    const view = await this.#call('GET', '/api/session');
    if (view.session.id !== id) {
      this.#begin(view);
      this.#socket.open();
      throw new Problem(401, { code: 'replaced' });
    }
    await this.#call('DELETE', '/api/sessions');
    if (this.session?.id === id) await this.#end({ reason: 'signed_out_everywhere', detail: '' });
  }

  /** Signs out one of the own sessions. */
  async signOutOne(id) {
    if (id === this.session?.id) await this.signOut();
    else await this.#call('DELETE', `/api/sessions/${id}`);
  }

  /** Lets go of the page: no connection, no listeners, no timers. The session lives on. */
  close() {
    this.#page.abort();
    this.#socket.close();
    this.#forget();
    this.#listeners.clear();
  }

  // Inside: coming in

  async #start() {
    for (let attempt = 0; ; attempt += 1) {
      const asked = this.session?.id;
      try {
        const view = await viewOf('GET', '/api/session');
        if (this.session?.id === asked) this.#enter(view);
        return this.isSignedIn;
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (this.session?.id !== asked) return this.isSignedIn; // a form was faster
        if (problem.status === 401) {
          this.#learnPolicy(problem);
          const end = endOf(problem);
          if (this.isSignedIn) await this.#end(end);
          else if (end.reason !== 'not_signed_in') this.#tellOfNobody(problem);
          return this.isSignedIn;
        }
        this.#tell('unreachable', problem);
      }
      await new Promise((resolve) => {
        this.#hurryStart = resolve;
        this.#timers.start = setTimeout(resolve, pauseBefore(attempt));
      });
      if (this.#page.signal.aborted || this.session?.id !== asked) return this.isSignedIn;
    }
  }

  async #signIn(path, body) {
    // One tab after the other: the second carries the cookie of the first, and replaces its session
    // instead of leaving it behind as a ghost.
    const view = await alone('stillhere-sign-in', () => viewOf('POST', path, { body }));
    this.#enter(view);
    return view;
  }

  #enter(view) {
    if (this.#page.signal.aborted) return;
    // Whom this page signs in anew, the end of the session before may have led here already.
    if (this.session?.id === view.session.id) {
      this.#see(view);
      return;
    }
    this.#begin(view);
    if (this.isSignedIn) this.#socket.open(); // no listener has just closed this
  }

  #begin(view, options) {
    this.#forget();
    this.#take(view, options);
    this.#activity.begin(this.policy);
    this.#tell('signedIn', view);
    this.#tellStatus();
  }

  /** Another tab may have signed in meanwhile. A screen that lights up wakes nobody. */
  async #lookForASession({ isAwakeOnly = false } = {}) {
    try {
      if (isAwakeOnly) {
        const { sessions } = await call('GET', '/api/sessions', { isPassive: true });
        if (sessions.find((session) => session.current).status === 'offline') return false;
      }
      const view = await viewOf('GET', '/api/session');
      if (!this.isSignedIn) this.#enter(view);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status !== 401) throw problem;
      this.#learnPolicy(problem);
      // What could be slept on is over.
      if (this.#isAsleep && !this.isSignedIn) this.#tellOfNobody(problem);
    }
    return this.isSignedIn;
  }

  #tellOfNobody(problem) {
    this.#isAsleep = false;
    this.#tell('signedOut', { ...endOf(problem), player: null, isAsleep: false });
  }

  // Somebody who is not signed in has no policy, and may want to know what they would have.
  #learnPolicy({ details }) {
    this.policy = details.policy ?? this.policy;
  }

  // Inside: going

  async #end({ reason, detail }) {
    if (!this.isSignedIn) return; // told twice: by an answer and by the connection
    const { player } = this;
    const isAsleep = reason === 'idle_timeout' && this.session.remember;
    this.#forget();
    this.#isAsleep = isAsleep;
    this.#socket.close();
    // Another tab that signs in takes this one along; for a slow answer nobody is kept waiting.
    if (reason === 'replaced') {
      const looking = this.#lookForASession().catch(ignoreProblem);
      const waiting = new Promise((resolve) => { setTimeout(resolve, STAY_AGAIN_AFTER); });
      await Promise.race([looking, waiting]);
    }
    if (!this.isSignedIn) this.#tell('signedOut', { reason, detail, player, isAsleep });
  }

  #forget() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#hurryStart(); // its timer was among them
    this.player = this.session = this.#wantedHold = this.#told = this.#loading = null;
    this.#ownInLobby = null;
    this.#warnings.clear();
    this.#expiresAt = Infinity;
    this.#isHeldAway = this.#isAwayAsked = this.#isAsleep = false;
    this.#heldUntil = this.#stayedAt = -Infinity;
    this.roster = this.#newRoster();
    this.rooms.clear();
  }

  #newRoster() {
    return new Roster(() => this.policy.away_after);
  }

  #newRooms() {
    return new Rooms({
      requests: this.#requests,
      call: (method, path, options) => this.#call(method, path, options),
      own: () => this.player?.id,
      on: {
        list: (list) => this.#tell('rooms', list),
        room: (room) => this.#tell('room', room),
        said: (what) => this.#tell('said', what),
        queued: (what) => this.#tell('queued', what),
        matched: (what) => this.#tell('matched', what),
        pulse: (what) => {
          this.#activity.hurry();
          this.#tell('pulse', what);
        },
        closed: (what) => this.#tell('roomClosed', what),
        did: (message, answer) => this.#didInRoom(message, answer),
      },
    });
  }

  // Inside: calls

  /** One call of whoever is signed in; a 401 ends that. Rejects with a Problem. */
  async #call(method, path, options) {
    const asked = this.session?.id;
    try {
      const answer = await call(method, path, options);
      if (this.session?.id === asked || method !== 'GET') return answer;
      throw new Problem(401, { code: 'not_signed_in' }); // it was about somebody else
    } catch (problem) {
      const isOver = problem instanceof Problem && problem.status === 401;
      if (isOver && this.session?.id === asked) this.#end(endOf(problem));
      throw problem;
    }
  }

  /** A call whose answer is the session view, and whose failure is no news; whether it worked. */
  async #try(method, path) {
    const heard = this.#heard;
    try {
      const view = await this.#call(method, path);
      if (this.session?.id !== view.session.id) return false;
      // What the connection has told meanwhile is newer; then it is asked.
      if (heard === this.#heard || !this.#socket.ask({ type: 'look' })) this.#see(view);
      return true;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (this.isSignedIn) this.#setTimers();
      return false;
    }
  }

  /** An activity as a request, for where there is no connection to tell it by. */
  async #tellByRequest() {
    if (await this.#try('POST', '/api/session/activity')) this.#activity.forgive();
  }

  async #loadRoster() {
    const { roster } = this;
    roster.beginLoading();
    const loaded = [];
    let after = '';
    try {
      do {
        const query = new URLSearchParams({ limit: PAGE, after });
        const page = await call('GET', `/api/players?${query}`, { isPassive: true });
        loaded.push(...page.players);
        after = page.next;
      } while (after !== null && roster.isLoading && this.roster === roster);
      roster.complete(loaded);
    } finally {
      roster.giveUpLoading();
      if (this.roster === roster) this.#tell('roster', roster);
    }
  }

  // Inside: what the server says

  #receive(message) {
    if (!this.isSignedIn) return; // a listener has just closed this
    this.#heard += 1;
    const isAnswer = this.#requests.hear(message);
    switch (message.type) {
      case 'hello':
        // While the connection was away, another tab may have signed in, as somebody else even.
        if (message.session.id === this.session.id) this.#see(message, { isHello: true });
        else this.#begin(message, { isHello: true });
        for (const warned of [message.warning ?? []].flat()) this.#warn(warned);
        this.roster.wait();
        for (const topic of this.#topics) this.#socket.ask({ type: 'watch', topic });
        if (this.isSignedIn) this.rooms.connected(this.player.status === 'active');
        this.#settle();
        break;
      case 'session':
        this.#see(message);
        break;
      case 'warning':
        this.#warn(message);
        break;
      case 'extended':
      case 'pong': // the answer to our own ping says the same
        this.#heardOf(message);
        break;
      case 'held':
        this.#heldUntil = performance.now() + message.seconds * 1000;
        this.#expiresAt = performance.now() + message.expires_in * 1000;
        this.#isHeldAway = message.seconds > 0 && (this.#isAwayAsked || this.#isHeldAway);
        if (this.#isHeldAway) this.player.status = 'away';
        this.#tell('held', { seconds: message.seconds });
        break;
      case 'roster':
        if (message.topic === 'lobby') this.#hearOfLobby(() => this.roster.replace(message));
        break;
      case 'presence':
        if (message.topic === 'lobby') this.#hearOfLobby(() => this.roster.apply(message));
        break;
      case 'error':
        if (isAnswer) break; // whoever asked is told
        console.warn(`refused: ${message.re ?? ''} ${message.code} ${message.detail}`);
        break;
      default:
        this.rooms.hear(message, (topic) => this.#socket.ask({ type: 'watch', topic }));
    }
    this.#tell('message', message);
    this.#tellStatus();
  }

  /** The session view, from whichever call or message. */
  #see(view, options) {
    this.#take(view, options);
    this.#tellStatus();
  }

  #take({ player, session, policy }, { isHello = false } = {}) {
    const now = performance.now();
    this.player = { ...player };
    this.session = session;
    this.policy = { ...this.policy, ...policy }; // what only a sign-in page was told stays known
    this.#expiresAt = now + session.expires_in * 1000;
    this.#heldUntil = session.held_for ? now + session.held_for * 1000 : -Infinity;
    this.#isHeldAway = session.held_away === true;
    const { expires_in: expires, warns_in: warns, ends_in: ends } = session;
    const isClose = (left) => warns <= 0 && left <= policy.warn_before + 1;
    if (isClose(ends)) this.#setRight('session_lifetime', ends, isHello);
    else this.#warnings.delete('session_lifetime');
    if (isClose(expires) && expires < ends - 0.05) this.#setRight('idle_timeout', expires, isHello);
    else this.#withdraw();
    this.#setTimers();
  }

  /** A warning that stands by what was asked. After a `hello` the server tells of them itself. */
  #setRight(reason, left, isHello) {
    const at = performance.now() + left * 1000;
    const before = this.#warnings.get(reason);
    if (before === undefined && isHello) return;
    this.#warnings.set(reason, at);
    const isNews = before === undefined || Math.abs(before - at) > SAME;
    if (isNews) this.#tell('warning', { reason, left });
  }

  /** Telling the same twice only sets the clock right. */
  #warn({ reason, expires_in: left }) {
    this.#warnings.set(reason, performance.now() + left * 1000);
    this.#expiresAt = Math.min(this.#expiresAt, ...this.#warnings.values());
    this.#tell('warning', { reason, left });
    this.#setTimers();
  }

  /** An activity anywhere in the session: the idle clock starts anew, the lifetime's never does. */
  #heardOf({ type, expires_in: left }) {
    // Whoever does anything is back: what was asked after "be right back" has ended it.
    if (type === 'pong' && this.isAwayOnPurpose) this.#heldUntil = -Infinity;
    clearTimeout(this.#timers.stay);
    this.#stayedAt = -Infinity;
    this.#expiresAt = performance.now() + left * 1000;
    if (!this.isAwayOnPurpose && (this.player.status !== 'warned' || type === 'extended')) {
      this.player.status = 'active';
    }
    this.#withdraw();
    this.#setTimers();
  }

  #withdraw() {
    if (!this.#warnings.delete('idle_timeout')) return;
    this.#tell('extended', { expiresIn: this.expiresIn });
  }

  #hearOfLobby(take) {
    if (take()) {
      const own = this.roster.players.get(this.player.id)?.status;
      // Was it another tab that said "be right back", or was back? Only the server knows.
      const hasChanged = own !== this.#ownInLobby;
      this.#ownInLobby = own;
      const isNewlyAway = own === 'away' && this.player.status !== 'away' && this.heldFor === 0;
      const isBack = own !== undefined && own !== 'away' && this.isAwayOnPurpose;
      if (hasChanged && (isNewlyAway || isBack)) this.#socket.ask({ type: 'look' });
      // Another browser of the player may be busy: this one's break goes on.
      if (!this.isAwayOnPurpose) this.player.status = own ?? this.player.status;
      this.#tell('roster', this.roster);
    } else this.#socket.ask({ type: 'watch', topic: 'lobby' });
  }

  // Inside: what the player does

  /** What is done in a room is an activity, which needs no ping beside it; unless it is refused. */
  #didInRoom({ type, seconds }, answer) {
    if (type === 'leave') return;
    if (type === 'brb' && seconds > 0) {
      this.#activity.pause();
      this.#activity.hurry(); // and the return is told at once
      return;
    }
    this.#activity.told();
    answer.catch(({ status }) => {
      this.#activity.hurry();
      if (status === 0) this.#activity.owe();
    });
  }

  #report() {
    if (!this.isSignedIn) return true; // there is nobody to report
    if (this.#socket.ask({ type: 'ping' })) return true;
    // Some networks let no socket through, and requests still.
    if (this.#socket.downFor > SPARE_AFTER) this.#tellByRequest();
    return false;
  }

  /** What was done or wanted while the connection was away counts as soon as it is back. */
  #settle() {
    const wanted = this.#wantedHold;
    this.#wantedHold = null;
    this.#activity.settle();
    const left = wanted ? (wanted.until - performance.now()) / 1000 : 0;
    if (left > 0) this.#socket.ask({ ...wanted.message, seconds: left });
  }

  #endHold() {
    this.#isAwayAsked = false;
    this.#wantedHold = null;
    this.#socket.ask({ type: 'release' });
  }

  #comeBack() {
    this.#heldUntil = -Infinity; // now, so that one act comes back once
    this.#activity.resume();
    this.#endHold();
    if (!this.#report()) this.#activity.owe();
  }

  // Inside: the page and its timers

  #become(state) {
    this.connection = state;
    this.roster.isStale = state !== 'open';
    if (state !== 'open') {
      this.#requests.drop();
      this.rooms.disconnected();
    }
    if (this.isSignedIn) this.#setTimers();
    this.#tell('connection', state);
    this.#tellStatus();
  }

  #followThePage() {
    const { signal } = this.#page;
    if (typeof document === 'undefined') return;
    const lookAgain = () => {
      if (this.#starting !== null) return;
      if (this.isSignedIn) this.look();
      else this.#lookForASession({ isAwakeOnly: this.#isAsleep }).catch(ignoreProblem);
    };
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState !== 'visible') return;
      lookAgain();
      if (this.connection === 'reconnecting') this.#socket.hurry();
    }, { signal });
    window.addEventListener('online', () => {
      this.#tell('connection', this.connection);
      this.#hurryStart();
      this.#socket.hurry();
    }, { signal });
    window.addEventListener('offline', () => this.#tell('connection', this.connection), { signal });
    window.addEventListener('pagehide', () => {
      if (!this.isSignedIn) return;
      // A closing page can wait for no answer; a beacon is what browsers still deliver.
      navigator.sendBeacon('/api/session/leave');
      this.#socket.close(); // also what allows a browser to keep the page for "back"
    }, { signal });
    window.addEventListener('pageshow', ({ persisted }) => {
      if (!persisted) return;
      if (this.isSignedIn) this.#socket.open(); // which also tells if the session is over
      else lookAgain();
    }, { signal });
  }

  // They only ask: late or never, they change nothing.
  #setTimers() {
    clearTimeout(this.#timers.overdue);
    clearTimeout(this.#timers.away);
    if (!this.isSignedIn) return; // a listener has just closed this
    const now = performance.now();
    const isOpen = this.connection === 'open';
    const { idle_timeout: idle, away_after: away, warn_before: warning } = this.policy;
    const ask = () => this.#try('GET', '/api/session');
    if (this.#warnings.size > 0) {
      const end = Math.min(...this.#warnings.values());
      const wait = Math.max(isOpen ? 0 : OVERDUE_AFTER, end - now) + OVERDUE_AFTER;
      this.#timers.overdue = setTimeout(ask, wait);
    } else if (!isOpen) {
      // Where no socket gets through, nobody else tells of the warning.
      const wait = Math.max(SPARE_AFTER, this.#expiresAt - now - warning * 1000);
      this.#timers.away = setTimeout(ask, wait + 500);
    } else if (this.player.status === 'active') {
      // Whoever watches no lobby hears from nobody that they are away by now.
      const wait = this.#expiresAt - now - (idle - away) * 1000;
      if (wait > 0) {
        this.#timers.away = setTimeout(() => this.status === 'active' && this.look(), wait + 1000);
      }
    }
  }

  #tellStatus() {
    if (this.status === this.#told) return;
    this.#told = this.status;
    if (this.status !== null) this.#tell('status', this.status);
  }

  #tell(event, what) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        listener(what);
      } catch (error) {
        reportError(error); // one listener's bug is not the others'
      }
    }
  }
}

/** A call whose answer is the session view. What is none comes from nobody that this talks to. */
async function viewOf(method, path, options) {
  const view = await call(method, path, options);
  if (!view?.session?.id) throw new Problem(0);
  return view;
}

/** One page of this browser at a time; where browsers cannot do that, at any time. */
function alone(what, act) {
  return navigator.locks ? navigator.locks.request(what, act) : act();
}

function ignoreProblem(problem) {
  if (!(problem instanceof Problem)) throw problem;
  return false;
}

/** Why a call says that the session is over. */
const endOf = ({ code, detail }) => ({ reason: code || 'not_signed_in', detail });
