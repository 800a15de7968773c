// Turns what a person does into pings. No timer in here ever sends one: an open page that nobody
// touches must time out.

const PERIOD = 5000; // ms between two pings of somebody who is busy
const PROMPT = 1000; // and of somebody who was taken for away
// `click` and `input` also come from screen readers and dictation, without a pointer or a key.
const INPUTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'click', 'input'];
// Not `pointerdown`: the answer to it would close the dialog under a finger that is still down, and
// the click that follows would hit whatever lies below, "Sign out" for one.
const DELIBERATE = new Set(['keydown', 'click', 'input']);

export class Activity {
  #send;
  #stay;
  #isWarned;
  #isAway;
  #period = PERIOD;
  #lastSent = -Infinity;
  #isOwed = false;
  #pointer = null;

  /** send() -> whether it went out; stay(): the player answered the warning. */
  constructor({ send, stay, isWarned, isAway }) {
    this.#send = send;
    this.#stay = stay;
    this.#isWarned = isWarned;
    this.#isAway = isAway;
  }

  listen(target) {
    // Capturing: no part of the page can swallow a sign of life.
    const options = { capture: true, passive: true };
    for (const type of INPUTS) target.addEventListener(type, (event) => this.#note(event), options);
  }

  /** A new session: nothing is owed to the one before. */
  begin(policy) {
    this.#period = Math.min(PERIOD, (policy.away_after * 1000) / 4);
    this.#lastSent = -Infinity;
    this.#isOwed = false;
  }

  /** What was done while the connection was away counts as soon as it is back. */
  settle() {
    if (this.#isOwed) this.#report();
  }

  #note(event) {
    if (!event.isTrusted || (event.type === 'pointermove' && !this.#hasMoved(event))) return;
    if (this.#isWarned()) {
      // A nudged table must not answer for the player; a key or a click does.
      if (!DELIBERATE.has(event.type)) return;
      this.#lastSent = performance.now();
      this.#stay();
      return;
    }
    const pause = this.#isAway() ? Math.min(PROMPT, this.#period) : this.#period;
    if (performance.now() - this.#lastSent >= pause) this.#report();
  }

  #report() {
    this.#lastSent = performance.now();
    this.#isOwed = !this.#send();
  }

  // Browsers also report a pointer that rests while the page changes under it, and the lobby
  // changes all the time.
  #hasMoved({ screenX, screenY }) {
    const before = this.#pointer;
    this.#pointer = { screenX, screenY };
    return before !== null && (before.screenX !== screenX || before.screenY !== screenY);
  }
}
