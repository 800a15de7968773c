// How a page gets a session: the browser's present one, or a new one.

import { asView, call, ignoreProblem } from './calls.js';
import { pauseBefore } from './socket.js';

const FOLLOW_WITHIN = 1000; // ms

/** Makes a call that answers with the session view. */
async function viewOf(method, path, options) {
  return asView(await call(method, path, options));
}

/** Returns why the session ended, from the Problem of a call. */
export const endOf = ({ code, detail }) => ({ reason: code || 'not_signed_in', detail });

export class SignIn {
  /** A remembered session timed out, and goes on when its player wants. */
  isAsleep = false;
  #core;
  #starting = null;
  #hurry = () => {};
  #timer = 0;

  /** core: of StillHere. */
  constructor(core) {
    this.#core = core;
  }

  get isStarting() {
    return this.#starting !== null;
  }

  /**
   * Retries until there is an answer; when called again, at once. Effects of the answer wait for the
   * promise `after`.
   */
  start(after) {
    this.hurry();
    this.#starting ??= this.#start(after).finally(() => { this.#starting = null; });
    return this.#starting;
  }

  hurry() {
    clearTimeout(this.#timer);
    this.#hurry();
  }

  /** Opens a session. Resolves to its view; rejects with a Problem. */
  async enter(path, body) {
    // One tab at a time: the second then sends the cookie of the first, and replaces its session
    // instead of leaving it without a tab.
    const view = await alone('stillhere-sign-in', () => viewOf('POST', path, { body }));
    this.#core.socket.discard(); // it was dialled with another cookie
    this.#core.enter(view);
    return view;
  }

  /** Forgets the signed-in player, and the last one. */
  forget() {
    this.hurry();
    this.isAsleep = false;
  }

  /**
   * Another tab may have signed in. Resolves to whether this browser is signed in. `isShownAgain`:
   * does not wake a sleeping session.
   */
  async look({ isShownAgain = false } = {}) {
    try {
      if (isShownAgain && this.isAsleep) {
        const { sessions } = await call('GET', '/api/sessions', { isPassive: true });
        if (sessions.find((session) => session.current).status === 'offline') return false;
      }
      const view = await viewOf('GET', '/api/session');
      if (!this.#isSignedIn) this.#core.enter(view);
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      this.#core.learnPolicy(problem.details);
      if (this.isAsleep && !this.#isSignedIn) this.#tellOfNobody(endOf(problem));
    }
    return this.#isSignedIn;
  }

  /** Another tab has signed in, and this one follows, without waiting for a slow answer. */
  async follow() {
    const looking = this.look().catch(ignoreProblem);
    const waiting = new Promise((resolve) => { setTimeout(resolve, FOLLOW_WITHIN); });
    await Promise.race([looking, waiting]);
  }

  get #isSignedIn() {
    return this.#core.here.isSignedIn;
  }

  async #start(after) {
    try {
      await this.#ask(after);
    } finally {
      this.#core.socket.discard();
    }
  }

  async #ask(after) {
    const id = () => this.#core.here.session?.id;
    for (let attempt = 0; ; attempt += 1) {
      const before = id();
      try {
        // The connection does not wait for the answer: without a session it just ends.
        if (before === undefined) this.#core.socket.prepare();
        const [view] = await Promise.all([viewOf('GET', '/api/session'), after]);
        if (id() === before) this.#core.enter(view);
        return;
      } catch (problem) {
        ignoreProblem(problem);
        await after;
        if (id() !== before) return; // the form has signed in meanwhile
        if (problem.status === 401) {
          await this.#refused(problem);
          return;
        }
        this.#core.socket.discard();
        this.#core.tell('unreachable', problem);
      }
      await new Promise((resolve) => {
        this.#hurry = resolve;
        this.#timer = setTimeout(resolve, pauseBefore(attempt));
      });
      if (this.#core.signal.aborted || id() !== before) return;
    }
  }

  async #refused(problem) {
    this.#core.learnPolicy(problem.details);
    const end = endOf(problem);
    if (this.#isSignedIn) await this.#core.end(end);
    else if (end.reason !== 'not_signed_in') this.#tellOfNobody(end);
  }

  #tellOfNobody(end) {
    this.isAsleep = false;
    this.#core.tell('signedOut', { ...end, player: null, isAsleep: false, isOwn: false });
  }
}

/** Runs in one page of this browser at a time, if the browser supports locks. */
function alone(what, act) {
  return navigator.locks ? navigator.locks.request(what, act) : act();
}
