// How a player stays signed in: input, "I'm still here", actions in rooms, and holds.

import { Activity } from './activity.js';

const STAY_AGAIN_AFTER = 1000; // ms, as all times here
const STAY_ANSWER_WITHIN = 3000;
const STAY_SPARE_AFTER = 10_000;

export class Staying {
  #here;
  #post;
  #socket;
  #deadlines;
  #activity;
  #wantedHold = null; // {message, until}: requested without a connection
  #stayedAt = -Infinity;
  #timer = 0;

  /** request(method, path): a call that answers with the session view -> success. */
  constructor({ here, request, socket, deadlines }) {
    this.#here = here;
    this.#post = () => request('POST', '/api/session/activity');
    this.#socket = socket;
    this.#deadlines = deadlines;
    this.#activity = new Activity({
      // Moving the mouse on the way out does not end a "be right back".
      isDeliberateOnly: () =>
        deadlines.isWarned || deadlines.isAwayOnPurpose || here.rooms.isAwayOnPurpose,
      isAway: () => here.status === 'away',
      report: () => this.#report(),
      answer: () => (deadlines.isAwayOnPurpose ? this.#comeBack() : this.stay()),
    });
  }

  listen(target, signal) {
    this.#activity.listen(target, signal);
  }

  /** Begins a session. */
  begin(policy) {
    this.#activity.begin(policy);
  }

  clear() {
    clearTimeout(this.#timer);
    this.#stayedAt = -Infinity;
    this.#wantedHold = null;
  }

  /** "I'm still here": on the connection, and by a request if there is no answer. */
  stay() {
    if (!this.#here.isSignedIn) return;
    // A click is reported by the page and by its button; one is enough.
    if (performance.now() - this.#stayedAt < STAY_AGAIN_AFTER) return;
    this.#stayedAt = performance.now();
    clearTimeout(this.#timer);
    const isSent = this.#socket.ask({ type: 'ping' });
    if (!isSent) this.#activity.postpone(); // the request below may fail as well
    this.#timer = setTimeout(() => this.#request(), isSent ? STAY_ANSWER_WITHIN : 0);
  }

  /** The server has answered a ping. */
  answered() {
    clearTimeout(this.#timer);
    this.#stayedAt = -Infinity;
  }

  /** Reports an activity that is no event of this page. */
  active() {
    this.#activity.note(true);
  }

  /** Reports the next input at once. */
  hurry() {
    this.#activity.hurry();
  }

  hold(seconds, { why, away = false }) {
    if (away) {
      this.#socket.ask({ type: 'ping' }); // saying so counts as activity, and withdraws a warning
      this.#activity.pause();
    }
    this.#deadlines.isAwayAsked = away;
    const message = { type: 'hold', seconds, ...(why && { why }), ...(away && { away }) };
    this.#wantedHold = this.#socket.ask(message)
      ? null
      : { message, until: performance.now() + seconds * 1000 };
  }

  release() {
    if (this.#deadlines.isAwayOnPurpose) this.#comeBack();
    else this.#endHold();
  }

  /** The connection is back: sends what was postponed. */
  settle() {
    const wanted = this.#wantedHold;
    this.#wantedHold = null;
    this.#activity.sendPostponed();
    const left = wanted ? (wanted.until - performance.now()) / 1000 : 0;
    if (left > 0) this.#socket.ask({ ...wanted.message, seconds: left });
  }

  /** An action in a room counts as activity, so it needs no ping; unless it is refused. */
  didInRoom({ type, seconds }, answer) {
    if (type === 'leave') return;
    if (type === 'brb' && seconds > 0) {
      this.#activity.pause();
      this.#activity.hurry(); // the return is reported at once
      return;
    }
    this.#activity.reported();
    answer.catch(({ status }) => {
      this.#activity.hurry();
      if (status === 0) this.#activity.postpone();
    });
  }

  #report() {
    if (!this.#here.isSignedIn) return true; // nothing to report
    if (this.#socket.ask({ type: 'ping' })) return true;
    // Some networks block sockets, but not requests.
    if (this.#socket.downFor > STAY_SPARE_AFTER) this.#request();
    return false;
  }

  async #request() {
    if (await this.#post()) this.#activity.dropPostponed();
  }

  #endHold() {
    this.#deadlines.isAwayAsked = false;
    this.#wantedHold = null;
    this.#socket.ask({ type: 'release' });
  }

  #comeBack() {
    this.#deadlines.endHold(); // now, so that an input returns only once
    this.#activity.resume();
    this.#endHold();
    if (!this.#report()) this.#activity.postpone();
  }
}
