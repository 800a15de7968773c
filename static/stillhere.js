// Still Here in a page: the session, a connection that reconnects by itself, the warning, the
// lobby, and rooms. No dependencies; `stillhere.d.ts` documents the API.
//
//   import { StillHere } from '/static/stillhere.js';
//   const here = new StillHere({ watch: ['lobby'] });
//   here.on('warning', ({ reason, left }) => askWhetherTheyAreStillThere(left));
//   if (!(await here.start())) await here.signInAsGuest('Ada');
//
// Nothing depends on timers, which browsers slow down in hidden pages. Deadlines are instants of
// `performance.now()`; the server decides.

import { Problem, ignoreProblem } from './stillhere/calls.js';
import { Deadlines } from './stillhere/deadlines.js';
import { Events } from './stillhere/events.js';
import { OwnInLobby } from './stillhere/in-lobby.js';
import { Own } from './stillhere/own.js';
import { followPage } from './stillhere/page.js';
import { Requests } from './stillhere/requests.js';
import { Rooms } from './stillhere/rooms.js';
import { SignIn } from './stillhere/sign-in.js';
import { CLOSE_REASONS, Socket, isEnd, isOwnWish } from './stillhere/socket.js';
import { Staying } from './stillhere/staying.js';
import { Topics } from './stillhere/topics.js';

export { CLOSE_REASONS, Problem, isEnd, isOwnWish };

export class StillHere {
  player = null;
  session = null;
  policy = null;
  connection = 'closed';

  #events = new Events();
  #closing = new AbortController();
  #tell = (event, what) => this.#events.tell(event, what);
  // What the parts need from this class.
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
  #inLobby = new OwnInLobby(this.#core);
  #staying = new Staying({ ...this.#core, socket: this.#socket, deadlines: this.#deadlines });
  rooms = new Rooms({
    requests: this.#requests,
    call: (method, path, options) => this.#own.call(method, path, options),
    own: () => this.player?.id,
    tell: this.#core.tell,
    onDo: (message, answer) => this.#staying.didInRoom(message, answer),
  });
  #topics;
  #toldStatus = null; // the own status last reported to listeners
  #heard = 0; // messages received

  constructor({ watch = [], input = globalThis.window } = {}) {
    this.#topics = new Topics({ ...this.#core, watch });
    this.#staying.listen(input, this.#closing.signal);
    followPage({ ...this.#core, socket: this.#socket, signIn: this.#signIn });
  }

  // State

  get isSignedIn() {
    return this.session !== null;
  }

  /** This session's own status, as far as known; null when not signed in. */
  get status() {
    if (this.player === null) return null;
    if (this.connection === 'reconnecting') return 'reconnecting';
    return this.#deadlines.isWarned ? 'warned' : this.player.status;
  }

  /** The standing warnings, `{reason, left}` in seconds, the first to strike in front. */
  get warnings() {
    return this.#deadlines.warnings;
  }

  /** Seconds until the session ends if nothing is done. */
  get expiresIn() {
    return this.#deadlines.expiresIn;
  }

  /** Seconds left of a hold; 0 without one. */
  get heldFor() {
    return this.#deadlines.heldFor;
  }

  /** True if the present hold is a "be right back". */
  get isAwayOnPurpose() {
    return this.#deadlines.isAwayOnPurpose;
  }

  /** Adds a listener; returns a function that removes it. */
  on(event, listener) {
    return this.#events.on(event, listener);
  }

  // Signing in

  /** Resolves to whether this browser is signed in; if so, connects. Retries until the server
   * answers. */
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

  // Activity

  /** "I'm still here": on the connection, and by a request if there is no answer. */
  stay() {
    this.#staying.stay();
  }

  /** Reports an activity that is no event of this page. */
  active() {
    this.#staying.active();
  }

  /** Busy without input for so many seconds; `away`: "be right back". The `held` event has what is
   * granted. */
  hold(seconds, options = {}) {
    this.#staying.hold(seconds, options);
  }

  /** Ends a hold. After a "be right back" the player is back. */
  release() {
    this.#staying.release();
  }

  // The lobby

  get roster() {
    return this.#topics.roster;
  }

  watch(topic) {
    this.#topics.watch(topic);
  }

  unwatch(topic) {
    this.#topics.unwatch(topic);
  }

  /** Loads the players of a large lobby that the server did not list. Rejects with a Problem. */
  loadRoster() {
    return this.#topics.loadRoster();
  }

  /** Sends any other message, such as a game's action. False if there is no connection. */
  send(message) {
    return this.#socket.ask(message) !== 0;
  }

  // The player's sessions

  /** Requests the state of the session; does not count as activity. */
  async look() {
    if (!this.isSignedIn) return this.#signIn.look();
    if (!this.#socket.ask({ type: 'look' })) await this.#request('GET', '/api/session');
    return this.isSignedIn;
  }

  sessions() {
    return this.#own.sessions();
  }

  /** `before`: the `next` of the previous page. */
  history(options = {}) {
    return this.#own.history(options);
  }

  /** Ends all other sessions of the player. Rejects with a Problem. */
  changePassword(current, password) {
    return this.#own.changePassword(current, password);
  }

  signOut() {
    return this.#own.signOut();
  }

  signOutEverywhere() {
    return this.#own.signOutEverywhere();
  }

  /** Signs out one of the player's sessions. */
  signOutOne(id) {
    return this.#own.signOutOne(id);
  }

  /** Removes connection, listeners and timers. The session goes on. */
  close() {
    this.#closing.abort();
    this.#signIn.hurry(); // to its end
    this.#socket.discard();
    this.#socket.close();
    this.#forget();
    this.#events.clear();
  }

  // Internals: begin and end of sessions

  #enter(view) {
    if (this.#closing.signal.aborted) return;
    // The end of the previous session may have led to this one already.
    if (this.session?.id === view.session.id) {
      this.#see(view);
      return;
    }
    this.#begin(view);
    if (this.isSignedIn) this.#socket.open(); // unless a listener has just closed this
  }

  #begin(view, options) {
    this.#forget();
    this.#take(view, options);
    this.#staying.begin(this.policy);
    this.#tell('signedIn', view);
    this.#tellStatus();
  }

  async #end({ reason, detail }) {
    if (!this.isSignedIn) return; // known already, by an answer or the connection
    const { player } = this;
    const isAsleep = reason === 'idle_timeout' && this.session.remember;
    const isOwn = this.#own.hasAskedFor(reason);
    this.#forget();
    this.#signIn.isAsleep = isAsleep;
    this.#socket.close();
    if (reason === 'replaced') await this.#signIn.follow();
    if (!this.isSignedIn) this.#tell('signedOut', { reason, detail, player, isAsleep, isOwn });
  }

  #forget() {
    this.#signIn.forget();
    this.#staying.clear();
    this.#deadlines.clear();
    this.player = this.session = this.#toldStatus = null;
    this.#inLobby.clear();
    this.#topics.clear();
    this.rooms.clear();
  }

  /** Makes a call that answers with the session view; resolves to success, and ignores failures. */
  async #request(method, path) {
    const heard = this.#heard;
    const view = await this.#own.view(method, path).catch(ignoreProblem);
    const isOwn = view !== undefined && view.session.id === this.session?.id;
    if (!isOwn) this.#setTimers();
    // Messages received meanwhile are newer; then the state is requested again.
    else if (heard === this.#heard || !this.#socket.ask({ type: 'look' })) this.#see(view);
    return isOwn;
  }

  // Internals: messages

  #receive(message) {
    if (!this.isSignedIn) return; // closed by a listener
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
      case 'pong': // the answer to our own ping has the same effect
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
        else if (this.#topics.hear(message)) this.#inLobby.changed();
    }
    this.#tell('message', message);
    this.#tellStatus();
  }

  #greet(hello) {
    // While disconnected, another tab may have signed in, even as another player.
    if (hello.session.id === this.session.id) this.#see(hello, { isHello: true });
    else this.#begin(hello, { isHello: true });
    for (const warned of [hello.warning ?? []].flat()) this.#deadlines.warn(warned);
    this.#setTimers();
    this.#topics.connected();
    if (this.isSignedIn) this.rooms.connected(this.player.status === 'active');
    this.#staying.settle();
  }

  /** Takes a session view of any call or message. */
  #see(view, options) {
    this.#take(view, options);
    this.#tellStatus();
  }

  #take(view, options) {
    this.player = { ...view.player };
    this.session = view.session;
    this.policy = { ...this.policy, ...view.policy }; // some fields are sent only with a 401
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
