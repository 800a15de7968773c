// When the session ends, is warned, or is held: instants of `performance.now()`, from the server's
// messages. Timers here only trigger requests; a late one, or none, changes nothing.

const OVERDUE_AFTER = 2000; // ms, as all times here except `…In` and `…For`
const CLOCK_SPARE_AFTER = 10_000;
const SAME = 500; // answers about one deadline differ by their time in transit

export class Deadlines {
  /** The requested hold is a "be right back". */
  isAwayAsked = false;
  #core;
  #warnings = new Map(); // reason -> when it strikes
  #expiresAt = Infinity;
  #heldUntil = -Infinity;
  #isHeldAway = false;
  #timers = { overdue: 0, away: 0 };

  /** core: of StillHere. */
  constructor(core) {
    this.#core = core;
  }

  /** `{reason, left}` in seconds, the first to strike in front. */
  get warnings() {
    const now = performance.now();
    return [...this.#warnings]
      .map(([reason, at]) => ({ reason, left: (at - now) / 1000 }))
      .sort((a, b) => a.left - b.left);
  }

  get isWarned() {
    return this.#warnings.has('idle_timeout');
  }

  get expiresIn() {
    return Math.max(0, (this.#expiresAt - performance.now()) / 1000);
  }

  get heldFor() {
    return Math.max(0, (this.#heldUntil - performance.now()) / 1000);
  }

  get isAwayOnPurpose() {
    return this.heldFor > 0 && this.#isHeldAway;
  }

  /** Takes a session view. `isHello`: the server sends the standing warnings separately. */
  take({ session, policy }, { isHello = false } = {}) {
    const now = performance.now();
    const { expires_in: expires, warns_in: warns, ends_in: ends, held_for: held } = session;
    this.#expiresAt = now + expires * 1000;
    this.#heldUntil = held ? now + held * 1000 : -Infinity;
    this.#isHeldAway = session.held_away === true;
    const isClose = (left) => warns <= 0 && left <= policy.warn_before + 1;
    if (isClose(ends)) this.#setRight('session_lifetime', ends, isHello);
    else this.#warnings.delete('session_lifetime');
    if (isClose(expires) && expires < ends - 0.05) this.#setRight('idle_timeout', expires, isHello);
    else this.#withdraw();
  }

  /** Takes a `warning`; `hello` repeats those that stand. A known one is only updated. */
  warn({ reason, expires_in: left }) {
    const at = performance.now() + left * 1000;
    this.#expiresAt = Math.min(this.#expiresAt, at);
    this.#setWarning(reason, left, at);
  }

  /** An activity in any tab restarts the idle clock, never the lifetime. */
  restart(left) {
    this.#expiresAt = performance.now() + left * 1000;
    this.#withdraw();
  }

  /** A hold was granted for so many seconds, or (0) is over. */
  held(seconds, left) {
    const now = performance.now();
    this.#heldUntil = now + seconds * 1000;
    this.#expiresAt = now + left * 1000;
    this.#isHeldAway = seconds > 0 && (this.isAwayAsked || this.#isHeldAway);
  }

  /** The player is back, as far as this page knows. */
  endHold() {
    this.#heldUntil = -Infinity;
  }

  clear() {
    this.stop();
    this.#warnings.clear();
    this.#expiresAt = Infinity;
    this.#heldUntil = -Infinity;
    this.#isHeldAway = this.isAwayAsked = false;
  }

  stop() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
  }

  /** Sets the timers that request the state of the session. */
  schedule({ isOpen, isActive, policy }) {
    this.stop();
    const now = performance.now();
    const ask = () => this.#core.request('GET', '/api/session');
    if (this.#warnings.size > 0) {
      const end = Math.min(...this.#warnings.values());
      const wait = Math.max(isOpen ? 0 : OVERDUE_AFTER, end - now) + OVERDUE_AFTER;
      this.#timers.overdue = setTimeout(ask, wait);
    } else if (!isOpen) {
      // Without a connection there are no warnings.
      const wait = Math.max(CLOCK_SPARE_AFTER, this.#expiresAt - now - policy.warn_before * 1000);
      this.#timers.away = setTimeout(ask, wait + 500);
    } else if (isActive) {
      // Without the lobby there is no message when the player becomes away.
      const wait = this.#expiresAt - now - (policy.idle_timeout - policy.away_after) * 1000;
      const { here } = this.#core;
      const look = () => here.status === 'active' && here.look();
      if (wait > 0) this.#timers.away = setTimeout(look, wait + 1000);
    }
  }

  // A warning implied by a view. After a `hello` only known ones are updated.
  #setRight(reason, left, isHello) {
    if (isHello && !this.#warnings.has(reason)) return;
    this.#setWarning(reason, left, performance.now() + left * 1000);
  }

  #setWarning(reason, left, at) {
    const before = this.#warnings.get(reason);
    this.#warnings.set(reason, at);
    const isNews = before === undefined || Math.abs(before - at) > SAME;
    if (isNews) this.#core.tell('warning', { reason, left });
  }

  #withdraw() {
    if (!this.#warnings.delete('idle_timeout')) return;
    this.#core.tell('extended', { expiresIn: this.expiresIn });
  }
}
