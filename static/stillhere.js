// Still Here in a page: who is signed in, a connection that comes back by itself, the warning, who
// else is here, and rooms. No dependencies; `stillhere.d.ts` beside this file says what everything is.
//
//   import { StillHere } from '/static/stillhere.js';
//   const here = new StillHere({ watch: ['lobby'] });
//   here.on('warning', ({ reason, left }) => askWhetherTheyAreStillThere(left));
//   if (!(await here.start())) await here.signInAsGuest('Ada');
//
// No decision depends on a timer, which browsers slow down in hidden pages. Deadlines are instants of
// `performance.now()`; the server decides.

import { Problem, ignoreProblem } from './stillhere/calls.js';
import { Deadlines } from './stillhere/deadlines.js';
import { Events } from './stillhere/events.js';
import { Own } from './stillhere/own.js';
import { followPage } from './stillhere/page.js';
import { Requests } from './stillhere/requests.js';
import { Rooms } from './stillhere/rooms.js';
import { SignIn } from './stillhere/sign-in.js';
import { CLOSE_REASONS, Socket, isEnd } from './stillhere/socket.js';
import { Staying } from './stillhere/staying.js';
import { Topics } from './stillhere/topics.js';

export { CLOSE_REASONS, Problem, isEnd };

export class StillHere {
  player = null;
  session = null;
  policy = null;
  connection = 'closed';

  #events = new Events();
  #closing = new AbortController();
  #tell = (event, what) => this.#events.tell(event, what);
  // What the parts know of the whole.
  #core = {
    here: this,
    signal: this.#closing.signal,
    enter: (view) => this.#enter(view),
    end: (end) => this.#end(end),
    learnPolicy: ({ policy }) => { this.policy = policy ?? this.policy; },
    tell: this.#tell,
    ask: (message) => this.#socket.ask(message),
    request: (method, path) => this.#request(method, path),
  };
  #requests = new Requests(this.#core.ask);
  #socket = new Socket({
    onMessage: (message) => this.#receive(message),
    onState: (state) => this.#become(state),
    onEnd: (end) => this.#end(end),
  });
  #deadlines = new Deadlines(this.#core);
  #signIn = new SignIn({ ...this.#core, socket: this.#socket });
  #own = new Own(this.#core);
  #staying = new Staying({ ...this.#core, socket: this.#socket, deadlines: this.#deadlines });
  rooms = new Rooms({
    requests: this.#requests,
    call: (method, path, options) => this.#own.call(method, path, options),
    own: () => this.player?.id,
    tell: this.#core.tell,
    onDo: (message, answer) => this.#staying.didInRoom(message, answer),
  });
  #topics;
  #toldStatus = null; // the own status that listeners know of
  #heard = 0; // messages of the connection
  #ownInLobby = null; // the own status as the lobby told it last

  constructor({ watch = [], input = globalThis.window } = {}) {
    this.#topics = new Topics({ ...this.#core, watch });
    this.#staying.listen(input, this.#closing.signal);
    followPage({ ...this.#core, socket: this.#socket, signIn: this.#signIn });
  }

  // What is known

  get isSignedIn() {
    return this.session !== null;
  }

  /** This session's own status, as far as this page knows; null when not signed in. */
  get status() {
    if (this.player === null) return null;
    if (this.connection === 'reconnecting') return 'reconnecting';
    return this.#deadlines.isWarned ? 'warned' : this.player.status;
  }

  /** The warnings that stand, `{reason, left}` in seconds, the one that strikes first in front. */
  get warnings() {
    return this.#deadlines.warnings;
  }

  /** Seconds until the session ends by itself if nothing is done. */
  get expiresIn() {
    return this.#deadlines.expiresIn;
  }

  /** Seconds that are left of a hold; 0 without one. */
  get heldFor() {
    return this.#deadlines.heldFor;
  }

  /** Whether the hold that runs is a "be right back". */
  get isAwayOnPurpose() {
    return this.#deadlines.isAwayOnPurpose;
  }

  /** Calls `listener` with what the event says; returns a function that ends that. */
  on(event, listener) {
    return this.#events.on(event, listener);
  }

  // Coming in

  /** Whether this browser is signed in; if so, connects. Asks again until the server answers. */
  async start({ after = null } = {}) {
    await this.#signIn.start(after);
    return this.isSignedIn;
  }

  signInAsGuest(name) {
    return this.#signIn.enter('/api/guests', { name });
  }

  register(name, password) {
    return this.#signIn.enter('/api/players', { name, password });
  }

  signIn(name, password, { remember = false } = {}) {
    return this.#signIn.enter('/api/session', { name, password, remember });
  }

  // Staying

  /** "I'm still here": over the connection, and by a request if that does not answer. */
  stay() {
    this.#staying.stay();
  }

  /** Reports an activity that no event of this page shows. */
  active() {
    this.#staying.active();
  }

  /** Busy without input for so many seconds; `away`: be right back. `held` tells what is granted. */
  hold(seconds, options = {}) {
    this.#staying.hold(seconds, options);
  }

  /** Ends a hold. After a "be right back" that is to be here again. */
  release() {
    this.#staying.release();
  }

  // Who is here

  get roster() {
    return this.#topics.roster;
  }

  watch(topic) {
    this.#topics.watch(topic);
  }

  unwatch(topic) {
    this.#topics.unwatch(topic);
  }

  /** Gets the players of a large lobby whom the server did not list. Rejects with a Problem. */
  loadRoster() {
    return this.#topics.loadRoster();
  }

  /** Any other message, a game's action for one. False if there is no connection to send it by. */
  send(message) {
    return this.#socket.ask(message) !== 0;
  }

  // The own sessions

  /** Looks anew at what the server knows; that is no activity. */
  async look() {
    if (!this.isSignedIn) return this.#signIn.look();
    if (!this.#socket.ask({ type: 'look' })) await this.#request('GET', '/api/session');
    return this.isSignedIn;
  }

  sessions() {
    return this.#own.sessions();
  }

  /** `before`: the `next` of the page before. */
  history(options = {}) {
    return this.#own.history(options);
  }

  /** All other sessions of the player end. Rejects with a Problem. */
  changePassword(current, password) {
    return this.#own.changePassword(current, password);
  }

  signOut() {
    return this.#own.signOut();
  }

  signOutEverywhere() {
    return this.#own.signOutEverywhere();
  }

  /** Signs out one of the own sessions. */
  signOutOne(id) {
    return this.#own.signOutOne(id);
  }

  /** Lets go of the page: no connection, no listeners, no timers. The session lives on. */
  close() {
    this.#closing.abort();
    this.#signIn.hurry(); // to its end
    this.#socket.discard();
    this.#socket.close();
    this.#forget();
    this.#events.clear();
  }

  // Inside: sessions that begin and end

  #enter(view) {
    if (this.#closing.signal.aborted) return;
    // The end of the session before may have led to this one already.
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
    this.#staying.begin(this.policy);
    this.#tell('signedIn', view);
    this.#tellStatus();
  }

  async #end({ reason, detail }) {
    if (!this.isSignedIn) return; // told twice: by an answer and by the connection
    const { player } = this;
    const isAsleep = reason === 'idle_timeout' && this.session.remember;
    this.#forget();
    this.#signIn.isAsleep = isAsleep;
    this.#socket.close();
    if (reason === 'replaced') await this.#signIn.follow();
    if (!this.isSignedIn) this.#tell('signedOut', { reason, detail, player, isAsleep });
  }

  #forget() {
    this.#signIn.forget();
    this.#staying.clear();
    this.#deadlines.clear();
    this.player = this.session = this.#toldStatus = this.#ownInLobby = null;
    this.#topics.clear();
    this.rooms.clear();
  }

  /** A call whose answer is the session view, and whose failure is no news; whether it worked. */
  async #request(method, path) {
    const heard = this.#heard;
    const view = await this.#own.call(method, path).catch(ignoreProblem);
    const isOwn = view !== undefined && view.session.id === this.session?.id;
    if (!isOwn) this.#setTimers();
    // What the connection has told meanwhile is newer; then it is asked.
    else if (heard === this.#heard || !this.#socket.ask({ type: 'look' })) this.#see(view);
    return isOwn;
  }

  // Inside: what the server says

  #receive(message) {
    if (!this.isSignedIn) return; // a listener has just closed this
    this.#heard += 1;
    const isAnswer = this.#requests.hear(message);
    switch (message.type) {
      case 'hello':
        this.#greet(message);
        break;
      case 'session':
        this.#see(message);
        break;
      case 'warning':
        this.#deadlines.warn(message);
        this.#setTimers();
        break;
      case 'extended':
      case 'pong': // the answer to our own ping says the same
        this.#heardOfActivity(message);
        break;
      case 'held':
        this.#deadlines.held(message.seconds, message.expires_in);
        if (this.isAwayOnPurpose) this.player.status = 'away';
        this.#tell('held', { seconds: message.seconds });
        break;
      case 'error':
        if (!isAnswer) console.warn(`refused: ${message.re ?? ''} ${message.code} ${message.detail}`);
        break;
      case 'pulse':
        this.#staying.hurry();
        this.rooms.hear(message);
        break;
      default:
        if (message.version === undefined) this.rooms.hear(message);
        else if (this.#topics.hear(message)) this.#lobbyChanged();
    }
    this.#tell('message', message);
    this.#tellStatus();
  }

  #greet(hello) {
    // While the connection was away, another tab may have signed in, as somebody else even.
    if (hello.session.id === this.session.id) this.#see(hello, { isHello: true });
    else this.#begin(hello, { isHello: true });
    for (const warned of [hello.warning ?? []].flat()) this.#deadlines.warn(warned);
    this.#setTimers();
    this.#topics.connected();
    if (this.isSignedIn) this.rooms.connected(this.player.status === 'active');
    this.#staying.settle();
  }

  /** The session view, from whichever call or message. */
  #see(view, options) {
    this.#take(view, options);
    this.#tellStatus();
  }

  #take(view, options) {
    this.player = { ...view.player };
    this.session = view.session;
    this.policy = { ...this.policy, ...view.policy }; // some fields come only with a 401
    this.#deadlines.take(view, options);
    this.#setTimers();
  }

  #heardOfActivity({ type, expires_in: left }) {
    // An activity ends a "be right back".
    if (type === 'pong' && this.isAwayOnPurpose) this.#deadlines.endHold();
    this.#staying.answered();
    if (!this.isAwayOnPurpose && (this.player.status !== 'warned' || type === 'extended')) {
      this.player.status = 'active';
    }
    this.#deadlines.restart(left);
    this.#setTimers();
  }

  #lobbyChanged() {
    const own = this.roster.players.get(this.player.id)?.status;
    // Another tab may have said "be right back", or may be back: the server is asked.
    const hasChanged = own !== this.#ownInLobby;
    this.#ownInLobby = own;
    const isNewlyAway = own === 'away' && this.player.status !== 'away' && this.heldFor === 0;
    const isBack = own !== undefined && own !== 'away' && this.isAwayOnPurpose;
    if (hasChanged && (isNewlyAway || isBack)) this.#socket.ask({ type: 'look' });
    // The player may be active in another browser: the break of this one goes on.
    if (!this.isAwayOnPurpose) this.player.status = own ?? this.player.status;
    this.#tell('roster', this.roster);
  }

  #become(state) {
    this.connection = state;
    if (state !== 'open') {
      this.#topics.disconnected();
      this.#requests.drop();
      this.rooms.disconnected();
    }
    this.#setTimers();
    this.#tell('connection', state);
    this.#tellStatus();
  }

  #setTimers() {
    if (!this.isSignedIn) return;
    this.#deadlines.schedule({
      isOpen: this.connection === 'open',
      isActive: this.player.status === 'active',
      policy: this.policy,
    });
  }

  #tellStatus() {
    if (this.status === this.#toldStatus) return;
    this.#toldStatus = this.status;
    if (this.status !== null) this.#tell('status', this.status);
  }
}
