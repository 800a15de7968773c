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
  #topics;
  #warnings = new Map(); // reason -> when it strikes
  #expiresAt = Infinity;
  #heldUntil = -Infinity;
  #isHeldAway = false;
  #isAwayAsked = false;
  #wantedHold = null; // asked for while there was nobody to ask
  #told = null; // the own status that listeners know of
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
      onState: (state) => this.#become(state),
      onEnd: (end) => this.#end(end),
    });
    this.#activity = new Activity({
      // Moving a mouse on the way out must not call back whoever has just said goodbye.
      isDeliberateOnly: () => this.#warnings.has('idle_timeout') || this.isAwayOnPurpose,
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
    this.#timers.stay = setTimeout(() => this.#try('POST', '/api/session/activity'), wait);
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
    await this.#endBy('/api/session', 'signed_out');
  }

  async signOutEverywhere() {
    await this.#endBy('/api/sessions', 'signed_out_everywhere');
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
        const view = await call('GET', '/api/session');
        if (this.session?.id === asked) this.#enter(view);
        return this.isSignedIn;
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (this.session?.id !== asked) return this.isSignedIn; // a form was faster
        if (problem.status === 401) {
          this.#learnPolicy(problem);
          const end = endOf(problem);
          if (this.isSignedIn) await this.#end(end);
          else if (end.reason !== 'not_signed_in') {
            this.#tell('signedOut', { ...end, player: null, isAsleep: false });
          }
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
    const view = await call('POST', path, { body });
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

  #begin(view) {
    this.#forget();
    this.#take(view);
    this.#activity.begin(this.policy);
    this.#tell('signedIn', view);
    this.#tellStatus();
  }

  /** Another tab may have signed in meanwhile. A screen that lights up wakes nobody. */
  async #lookForASession({ isAwakeOnly = false } = {}) {
    try {
      const view = await call('GET', '/api/session');
      const isIn = !isAwakeOnly || view.player.status !== 'offline';
      if (!this.isSignedIn && isIn) this.#enter(view);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 401) this.#learnPolicy(problem);
    }
    return this.isSignedIn;
  }

  // Somebody who is not signed in has no policy, and may want to know what they would have.
  #learnPolicy({ details }) {
    this.policy = details.policy ?? this.policy;
  }

  // Inside: going

  async #endBy(path, reason) {
    const asked = this.session?.id;
    await this.#call('DELETE', path);
    // The connection may have told before, and somebody else be signed in by now.
    if (this.session?.id === asked) await this.#end({ reason, detail: '' });
  }

  async #end({ reason, detail }) {
    if (!this.isSignedIn) return; // told twice: by an answer and by the connection
    const { player } = this;
    const isAsleep = reason === 'idle_timeout' && this.session.remember;
    this.#forget();
    this.#isAsleep = isAsleep;
    this.#socket.close();
    // Another tab that signs in takes this one along.
    if (reason === 'replaced' && (await this.#lookForASession())) return;
    if (!this.isSignedIn) this.#tell('signedOut', { reason, detail, player, isAsleep });
  }

  #forget() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#hurryStart(); // its timer was among them
    this.player = this.session = this.#wantedHold = this.#told = this.#loading = null;
    this.#warnings.clear();
    this.#expiresAt = Infinity;
    this.#isHeldAway = this.#isAwayAsked = this.#isAsleep = false;
    this.#heldUntil = this.#stayedAt = -Infinity;
    this.roster = this.#newRoster();
  }

  #newRoster() {
    return new Roster(() => this.policy.away_after);
  }

  // Inside: calls

  /** One call of whoever is signed in; a 401 ends that. Rejects with a Problem. */
  async #call(method, path, options) {
    const asked = this.session?.id;
    try {
      return await call(method, path, options);
    } catch (problem) {
      const isOver = problem instanceof Problem && problem.status === 401;
      if (isOver && this.session?.id === asked) this.#end(endOf(problem));
      throw problem;
    }
  }

  /** A call whose answer is the session view, and whose failure is no news. */
  async #try(method, path) {
    try {
      const view = await this.#call(method, path);
      if (this.session?.id === view.session.id) this.#see(view);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
    }
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
    switch (message.type) {
      case 'hello':
        // While the connection was away, another tab may have signed in, as somebody else even.
        if (message.session.id === this.session.id) this.#see(message);
        else this.#begin(message);
        for (const warned of [message.warning ?? []].flat()) this.#warn(warned);
        this.roster.wait();
        for (const topic of this.#topics) this.#socket.ask({ type: 'watch', topic });
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
        console.warn(`refused: ${message.re ?? ''} ${message.code} ${message.detail}`);
        break;
    }
    this.#tell('message', message);
    this.#tellStatus();
  }

  /** The session view, from whichever call or message. */
  #see(view) {
    this.#take(view);
    this.#tellStatus();
  }

  #take({ player, session, policy }) {
    const now = performance.now();
    this.player = { ...player };
    this.session = session;
    this.policy = { ...this.policy, ...policy }; // what only a sign-in page was told stays known
    this.#expiresAt = now + session.expires_in * 1000;
    this.#heldUntil = session.held_for ? now + session.held_for * 1000 : -Infinity;
    this.#isHeldAway = session.held_away === true;
    if (session.warns_in > 0) this.#withdraw();
    else this.#setRight('idle_timeout', this.#expiresAt);
    if (session.ends_in > policy.warn_before + 1) this.#warnings.delete('session_lifetime');
    else this.#setRight('session_lifetime', now + session.ends_in * 1000);
    this.#setTimers();
  }

  #setRight(reason, at) {
    if (!this.#warnings.has(reason)) return;
    const hasMoved = Math.abs(this.#warnings.get(reason) - at) > SAME;
    this.#warnings.set(reason, at);
    if (hasMoved) this.#tell('warning', { reason, left: (at - performance.now()) / 1000 });
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
      const isNewlyAway = own === 'away' && this.player.status !== 'away' && this.heldFor === 0;
      const isBack = own !== undefined && own !== 'away' && this.isAwayOnPurpose;
      if (isNewlyAway || isBack) this.#socket.ask({ type: 'look' });
      this.player.status = own ?? this.player.status;
      this.#tell('roster', this.roster);
    } else this.#socket.ask({ type: 'watch', topic: 'lobby' });
  }

  // Inside: what the player does

  #report() {
    if (!this.isSignedIn) return true; // there is nobody to report
    if (this.#socket.ask({ type: 'ping' })) return true;
    // Some networks let no socket through, and requests still.
    if (this.#socket.downFor > SPARE_AFTER) this.#try('POST', '/api/session/activity');
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
    this.#tell('connection', state);
    this.#tellStatus();
  }

  #followThePage() {
    const { signal } = this.#page;
    if (typeof document === 'undefined') return;
    const lookAgain = () => {
      if (this.#starting !== null) return;
      if (this.isSignedIn) this.look();
      else this.#lookForASession({ isAwakeOnly: this.#isAsleep });
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

  // Both only ask: late or never, they change nothing.
  #setTimers() {
    clearTimeout(this.#timers.overdue);
    clearTimeout(this.#timers.away);
    if (!this.isSignedIn) return; // a listener has just closed this
    const now = performance.now();
    if (this.#warnings.size > 0) {
      const end = Math.min(...this.#warnings.values());
      const wait = Math.max(0, end - now) + OVERDUE_AFTER;
      this.#timers.overdue = setTimeout(() => this.#try('GET', '/api/session'), wait);
    }
    // Whoever watches no lobby hears from nobody that they are away by now.
    const { idle_timeout: idle, away_after: away } = this.policy;
    const wait = this.#expiresAt - now - (idle - away) * 1000;
    if (this.player.status === 'active' && wait > 0) {
      this.#timers.away = setTimeout(() => this.status === 'active' && this.look(), wait + 1000);
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

/** Why a call says that the session is over. */
const endOf = ({ code, detail }) => ({ reason: code || 'not_signed_in', detail });
