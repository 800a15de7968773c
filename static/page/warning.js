// The dialog with the countdown. It shows the warnings of StillHere; a timer that a browser delays
// makes it late, never wrong.

import { inWhole, inWords, onClock } from '/static/page/durations.js';
import { byId, onPress, write } from '/static/page/elements.js';
import { onLanguage, say } from '/static/page/language.js';
import { setTitle } from '/static/page/title.js';

const IDLE = 'idle_timeout';
const LIFETIME = 'session_lifetime';

export class WarningDialog {
  #here;
  #onTick;
  #alerts;
  #dialog = byId('warning');
  #dismissed = false; // the warning of the absolute end, which cannot be postponed, was read
  #shown = null; // the reason the dialog shows
  #span = 0; // seconds left when it was shown
  #heard = 0;
  #timer = 0;

  /** onTick({reason, left} or null): the countdown of the first warning has moved. */
  constructor(here, alerts, { onTick }) {
    this.#here = here;
    this.#alerts = alerts;
    this.#onTick = onTick;
    here.on('warning', () => this.draw());
    here.on('extended', () => this.draw());
    here.on('signedIn', () => { this.#dismissed = false; });
    document.addEventListener('visibilitychange', () => this.draw());
    onPress(byId('stay'), () => here.stay());
    onPress(byId('dismiss'), () => this.#dismiss());
    this.#dialog.addEventListener('cancel', (event) => {
      // Open until the server has answered: the request may get lost.
      event.preventDefault();
      this.#answer();
    });
    // Browsers close a dialog at a second Escape. The event is late: the dialog may show the next
    // warning by then.
    this.#dialog.addEventListener('close', () => {
      if (this.#shown !== null && !this.#dialog.open) this.#answer();
    });
    onLanguage(() => {
      if (this.#shown !== null) this.#describe(this.#shown, this.#span);
      this.draw();
    });
  }

  draw() {
    clearTimeout(this.#timer);
    const clocks = this.#here.warnings;
    const due = clocks.find(({ reason }) => reason !== LIFETIME || !this.#dismissed);
    if (due) this.#show(due);
    else this.#hide();
    const [first = null] = clocks;
    this.#onTick(first);
    if (first === null || first.left <= 0) return;
    this.#timer = setTimeout(() => this.draw(), (first.left % 1) * 1000 + 10);
  }

  #show({ reason, left }) {
    const isNew = this.#shown !== reason;
    if (isNew) this.#describe(reason, left);
    byId('countdown').textContent = onClock(left);
    byId('bar').style.transform = `scaleX(${Math.min(1, Math.max(0, left / this.#span))})`;
    setTitle('warning', say(reason === IDLE ? 'warning.document' : 'warning.ends_document', {
      clock: onClock(left),
    }));
    this.#announce(left);
    if (isNew || !this.#dialog.open) {
      if (!this.#dialog.open) this.#dialog.showModal();
      byId(reason === IDLE ? 'stay' : 'dismiss').focus();
    }
    if (isNew) {
      const text = reason === IDLE ? 'warning.notification' : 'warning.ends_notification';
      this.#alerts.raise(byId('warning-title').textContent, say(text, {
        duration: inWords(inWhole(left)),
      }));
    }
  }

  #describe(reason, left) {
    const isIdle = reason === IDLE;
    byId('warning-title').textContent = say(isIdle ? 'warning.title' : 'warning.ends_title');
    byId('warning-text').textContent = say(isIdle ? 'warning.text' : 'warning.ends_text');
    // For screen readers only: on screen it would soon contradict the countdown.
    byId('warning-span').textContent = say('warning.left', { duration: inWords(inWhole(left)) });
    byId('stay').hidden = !isIdle;
    byId('dismiss').hidden = isIdle;
    write(byId('announcement'), '');
    this.#shown = reason;
    this.#span = Math.max(left, 0.001);
    this.#heard = step(left);
  }

  // The description is announced when the dialog opens. Announcing every second would leave no time
  // to answer.
  #announce(left) {
    const now = step(left);
    if (now >= this.#heard || now <= 0) return;
    this.#heard = now;
    write(byId('announcement'), say('warning.left', { duration: inWords(now) }));
  }

  #hide() {
    if (this.#shown === null) return;
    this.#shown = null; // before `close`, whose event counts as an answer otherwise
    this.#dialog.close();
    this.#alerts.lower();
    setTitle('warning', null);
  }

  #answer() {
    if (this.#shown === LIFETIME) this.#dismiss();
    else this.#here.stay();
  }

  #dismiss() {
    this.#dismissed = true;
    this.draw();
  }
}

/** Returns the time left to announce: by the minute, within the last one every 20 s. */
function step(left) {
  const whole = inWhole(left);
  return whole > 60 ? Math.ceil(whole / 60) * 60 : Math.ceil(whole / 20) * 20;
}
