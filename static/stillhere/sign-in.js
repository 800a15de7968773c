// How a page comes to a session: the one that the browser has already, or a new one.

import { Problem, call, ignoreProblem } from './calls.js';
import { pauseBefore } from './socket.js';

const FOLLOW_WITHIN = 1000; // ms

/** A call whose answer is the session view. Any other answer is not from the server. */
export async function viewOf(method, path, options) {
  const view = await call(method, path, options);
  if (!view?.session?.id) throw new Problem(0);
  return view;
}

/** Why a call says that the session is over. */
export const endOf = ({ code, detail }) => ({ reason: code || 'not_signed_in', detail });

export class SignIn {
  /** A remembered session timed out, and goes on when its player says so. */
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
   * Asks until there is an answer. Called again meanwhile, it does not wait for the next attempt.
   * What the answers bring about happens when the promise `after` has settled.
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

  /** A new session. Resolves to its view; rejects with a Problem. */
  async enter(path, body) {
    // One tab after the other: the second then sends the cookie of the first, and replaces that
    // session instead of leaving it behind without a tab.
    const view = await alone('stillhere-sign-in', () => viewOf('POST', path, { body }));
    this.#core.socket.discard(); // the browser's cookie was another one then
    this.#core.enter(view);
    return view;
  }

  /** Whoever is signed in, or was, is forgotten. */
  forget() {
    this.hurry();
    this.isAsleep = false;
  }

  /**
   * Another tab may have signed in. Resolves to whether somebody is signed in. `isShownAgain`: that
   * wakes no session that sleeps.
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

  /** Another tab has signed in, and this one follows; but a slow answer is not waited for. */
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
        if (id() !== before) return; // a form was faster
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
    this.#core.tell('signedOut', { ...end, player: null, isAsleep: false });
  }
}

/** One page of this browser at a time, where browsers can do that. */
function alone(what, act) {
  return navigator.locks ? navigator.locks.request(what, act) : act();
}
