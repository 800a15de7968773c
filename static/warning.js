// The warning: two clocks that can run out, and the one dialog that tells of them.

import { inWhole, inWords, onClock } from '/static/durations.js';

const IDLE = 'idle_timeout';
const LIFETIME = 'session_lifetime';
const OVERDUE_AFTER = 2; // seconds past the end without the server's word

export class Warning {
  #deadlines = new Map(); // reason -> performance.now() at which it strikes, in ms
  #dismissed = false; // the lifetime's warning was read; nothing more can be done about it
  #shown = null; // the reason the dialog shows
  #span = 0; // seconds left when it was shown
  #heard = 0;
  #timer = 0;
  #elements;
  #onStay;
  #onTick;
  #onOverdue;

  /**
   * elements: {dialog, title, text, span, countdown, bar, announcement, stay, dismiss};
   * onTick({reason, left} or null), onOverdue(): the end has passed and nobody said so.
   */
  constructor(elements, { onStay, onTick, onOverdue }) {
    this.#elements = elements;
    this.#onStay = onStay;
    this.#onTick = onTick;
    this.#onOverdue = onOverdue;
    const { dialog, stay, dismiss } = elements;
    stay.addEventListener('click', () => onStay());
    dismiss.addEventListener('click', () => this.#dismiss());
    dialog.addEventListener('cancel', (event) => {
      // Stays open until the server has agreed, so that nobody trusts a click that got lost.
      event.preventDefault();
      this.#answer();
    });
    // Browsers let a second Escape close a dialog without asking. The event comes late: by then
    // the next warning may be up, and that one nobody has answered.
    dialog.addEventListener('close', () => {
      if (this.#shown !== null && !dialog.open) this.#answer();
    });
  }

  get isIdleWarned() {
    return this.#deadlines.has(IDLE);
  }

  /** Telling the same twice only sets the clock right. */
  warn({ reason, expires_in: left }) {
    this.#deadlines.set(reason, performance.now() + left * 1000);
    this.redraw();
  }

  /** Any activity anywhere in the session: the idle clock starts anew, the lifetime's never does. */
  extended() {
    this.#deadlines.delete(IDLE);
    this.redraw();
  }

  /** What a fresh look at the session says about warnings that are already up. */
  correct(session, policy) {
    const now = performance.now();
    if (session.warns_in > 0) this.#deadlines.delete(IDLE);
    else if (this.isIdleWarned) this.#deadlines.set(IDLE, now + session.expires_in * 1000);
    if (session.ends_in > policy.warn_before + 1) this.#deadlines.delete(LIFETIME);
    else if (this.#deadlines.has(LIFETIME)) this.#deadlines.set(LIFETIME, now + session.ends_in * 1000);
    this.redraw();
  }

  clear() {
    this.#deadlines.clear();
    this.#dismissed = false;
    this.redraw();
  }

  /** Everything on screen follows from the deadlines: a throttled timer makes it late, not wrong. */
  redraw() {
    clearTimeout(this.#timer);
    const soonest = this.#soonest(() => true);
    const due = this.#soonest((reason) => reason !== LIFETIME || !this.#dismissed);
    if (due === null) this.#hide();
    else this.#show(due);
    this.#onTick(soonest);
    if (soonest === null) return;
    const pause = soonest.left > 0 ? (soonest.left % 1) * 1000 + 10 : OVERDUE_AFTER * 1000;
    this.#timer = setTimeout(() => this.redraw(), pause);
    if (soonest.left < -OVERDUE_AFTER) this.#onOverdue();
  }

  #soonest(counts) {
    const now = performance.now();
    const clocks = [...this.#deadlines]
      .filter(([reason]) => counts(reason))
      .map(([reason, at]) => ({ reason, left: (at - now) / 1000 }));
    return clocks.sort((a, b) => a.left - b.left)[0] ?? null;
  }

  #show({ reason, left }) {
    const { dialog, countdown, bar, stay, dismiss } = this.#elements;
    const isNew = this.#shown !== reason;
    if (isNew) this.#describe(reason, left);
    countdown.textContent = onClock(left);
    bar.style.transform = `scaleX(${Math.min(1, Math.max(0, left / this.#span))})`;
    document.title = `${onClock(left)} – ${reason === IDLE ? 'Still there?' : 'Session ends'}`;
    this.#announce(left);
    if (isNew || !dialog.open) {
      if (!dialog.open) dialog.showModal();
      (reason === IDLE ? stay : dismiss).focus();
    }
  }

  #describe(reason, left) {
    const { title, text, span, stay, dismiss, announcement } = this.#elements;
    const isIdle = reason === IDLE;
    title.textContent = isIdle ? 'Are you still there?' : 'Your session ends soon';
    text.textContent = isIdle
      ? 'If nobody answers, you will be signed out. Tap anywhere or press any key to stay.'
      : 'It reaches its longest length and cannot be extended. Sign in again to go on.';
    // For ears only: on screen it would soon contradict the running clock.
    span.textContent = `${inWords(inWhole(left))} left.`;
    stay.hidden = !isIdle;
    dismiss.hidden = isIdle;
    announcement.textContent = '';
    this.#shown = reason;
    this.#span = Math.max(left, 0.001);
    this.#heard = step(left);
  }

  // The description is read out when the dialog opens; afterwards a voice every second would
  // leave no room to answer.
  #announce(left) {
    const now = step(left);
    if (now >= this.#heard || now <= 0) return;
    this.#heard = now;
    this.#elements.announcement.textContent = `${inWords(now)} left`;
  }

  #hide() {
    if (this.#shown === null) return;
    this.#shown = null; // first: it tells our own closing from the player's
    this.#elements.dialog.close();
    document.title = 'Still Here';
  }

  #answer() {
    if (this.#shown === LIFETIME) this.#dismiss();
    else this.#onStay();
  }

  #dismiss() {
    this.#dismissed = true;
    this.redraw();
  }
}

/** The time left as it is announced: by the minute, within the last one every 20 s. */
function step(left) {
  const whole = inWhole(left);
  return whole > 60 ? Math.ceil(whole / 60) * 60 : Math.ceil(whole / 20) * 20;
}
