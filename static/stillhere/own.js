// Calls of the signed-in player: sessions, history, and signing out.

import { Problem, asView, call, notSignedIn } from './calls.js';
import { endOf } from './sign-in.js';
import { isOwnWish } from './socket.js';

const pathOf = (id) => `/api/sessions/${encodeURIComponent(id)}`;

export class Own {
  #core;
  #asked = null; // the id of the session that this page asked to sign out, answered or not

  /** core: of StillHere. */
  constructor(core) {
    this.#core = core;
  }

  get #id() {
    return this.#core.here.session?.id;
  }

  /** True if the session ends for this reason because this page has asked to sign out. */
  hasAskedFor(reason) {
    return isOwnWish(reason) && this.#asked === this.#id;
  }

  /** Makes a call; a 401 ends the session. Rejects with a Problem. */
  async call(method, path, options) {
    const asked = this.#id;
    try {
      const answer = await call(method, path, options);
      if (this.#id === asked || method !== 'GET') return answer;
      throw notSignedIn(); // it belonged to another session
    } catch (problem) {
      if (problem.status === 401 && this.#id === asked) this.#core.end(endOf(problem));
      throw problem;
    }
  }

  /** Like `call`, for a call that answers with the session view. */
  async view(method, path) {
    return asView(await this.call(method, path));
  }

  async sessions() {
    return (await this.call('GET', '/api/sessions', { isPassive: true })).sessions;
  }

  async history({ before = null, limit = null }) {
    if (this.#id === undefined) throw notSignedIn();
    const path = `/api/players/${encodeURIComponent(this.#core.here.player.id)}/history`;
    return this.call('GET', path, { query: { limit, before }, isPassive: true });
  }

  async signOut() {
    if (this.#id === undefined) return;
    // By id: another tab may have signed in as another player, and changed the cookie.
    const id = this.#id;
    this.#asked = id;
    try {
      await this.call('DELETE', pathOf(id));
    } catch (problem) {
      if (problem.status !== 404) throw problem;
    }
    await this.#end(id, 'signed_out');
  }

  async signOutEverywhere() {
    if (this.#id === undefined) return;
    const id = this.#id;
    await this.#checkCookie(id);
    this.#asked = id;
    await this.call('DELETE', '/api/sessions');
    await this.#end(id, 'signed_out_everywhere');
  }

  async signOutOne(id) {
    if (id === this.#id) await this.signOut();
    else await this.call('DELETE', pathOf(id));
  }

  /** Ends all other sessions. */
  async changePassword(current, password) {
    if (this.#id === undefined) throw notSignedIn();
    await this.#checkCookie(this.#id);
    await this.call('PUT', '/api/password', { body: { current, new: password } });
  }

  /** Rejects if another tab has signed in as another player, and changed the cookie. */
  async #checkCookie(id) {
    const view = await this.view('GET', '/api/session');
    if (view.session.id === id) return;
    this.#core.enter(view);
    throw new Problem(401, { code: 'replaced' });
  }

  async #end(id, reason) {
    // The connection may have reported it before.
    if (this.#id === id) await this.#core.end({ reason, detail: '' });
  }
}
