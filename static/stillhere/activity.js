// Turns input into reports of activity. No timer makes one: an open page that nobody touches must
// time out.

const PERIOD = 5000; // ms between two reports, as all times in here
const PROMPT = 1000; // the same while the player is away
const LEAVING_TAKES = 2000; // input that is ignored after "be right back"
const GAMEPAD_PERIOD = 250;
const STICK_MOVED = 0.25; // of a stick's range: sticks drift when nobody holds them
// `click` and `input`: screen readers and dictation send them without a pointer or a key.
const INPUTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'click', 'input'];
// Not `pointerdown`: the dialog would close while the finger is down, and the click that follows
// would hit what lies below it.
const DELIBERATE = new Set(['keydown', 'click', 'input']);

export class Activity {
  #isDeliberateOnly;
  #isAway;
  #report;
  #answer;
  #period = PERIOD;
  #lastReport = -Infinity;
  #pausedUntil = -Infinity;
  #isPostponed = false;
  #pointer = null;
  #gamepads = new Map(); // index -> state of its buttons and sticks

  /** report() -> whether it was sent; answer(): deliberate input while `isDeliberateOnly()`. */
  constructor({ isDeliberateOnly, isAway, report, answer }) {
    this.#isDeliberateOnly = isDeliberateOnly;
    this.#isAway = isAway;
    this.#report = report;
    this.#answer = answer;
  }

  listen(target, signal) {
    if (!target) return;
    // Capturing: no part of the page can stop the event first.
    const options = { capture: true, passive: true, signal };
    for (const type of INPUTS) target.addEventListener(type, (event) => this.#hear(event), options);
    // Fired at the window only.
    window.addEventListener('gamepadconnected', () => this.#lookAtGamepads(signal), { signal });
  }

  /** A new session. */
  begin(policy) {
    this.#period = Math.min(PERIOD, (policy.away_after * 1000) / 4);
    this.#lastReport = this.#pausedUntil = -Infinity;
    this.#isPostponed = false;
  }

  /** The player has said "be right back". */
  pause() {
    this.#pausedUntil = performance.now() + LEAVING_TAKES;
    this.#isPostponed = false;
  }

  /** An activity could not be reported; `sendPostponed` does it. */
  postpone() {
    this.#isPostponed = true;
  }

  /** What was postponed has been reported in another way. */
  dropPostponed() {
    this.#isPostponed = false;
  }

  /** Another message counts as the report, such as a game's action. */
  reported() {
    this.#lastReport = performance.now();
    this.#isPostponed = false;
  }

  /** The next input is reported at once. */
  hurry() {
    this.#lastReport = -Infinity;
  }

  /** The player is back. */
  resume() {
    this.#pausedUntil = -Infinity;
  }

  /** Input. Deliberate: not a moved mouse, which a nudged table does as well. */
  note(isDeliberate) {
    const now = performance.now();
    if (now < this.#pausedUntil) return;
    if (this.#isDeliberateOnly()) {
      if (!isDeliberate) return;
      this.#lastReport = now;
      this.#answer();
      return;
    }
    const pause = this.#isAway() ? Math.min(PROMPT, this.#period) : this.#period;
    if (now - this.#lastReport >= pause) this.#send();
  }

  /** The connection is back. */
  sendPostponed() {
    if (this.#isPostponed) this.#send();
  }

  #send() {
    this.#lastReport = performance.now();
    this.#isPostponed = !this.#report();
  }

  #hear(event) {
    if (!event.isTrusted || event.repeat) return; // a key that is held by a book is no input
    if (event.type === 'pointermove' && !this.#hasMoved(event)) return;
    this.note(DELIBERATE.has(event.type));
  }

  // Browsers also report a pointer that rests while the page changes under it.
  #hasMoved({ screenX, screenY, movementX, movementY }) {
    // A locked pointer moves without changing its place.
    if (document.pointerLockElement !== null) return movementX !== 0 || movementY !== 0;
    const before = this.#pointer;
    this.#pointer = { screenX, screenY };
    return before !== null && (before.screenX !== screenX || before.screenY !== screenY);
  }

  // There are no events for a gamepad's buttons: polled while one is connected.
  #lookAtGamepads(signal) {
    if (this.#gamepads.size > 0) return;
    const timer = setInterval(() => {
      const present = navigator.getGamepads().filter(Boolean);
      for (const pad of present) this.#lookAt(pad);
      if (present.length > 0 && !signal.aborted) return;
      clearInterval(timer);
      this.#gamepads.clear();
    }, GAMEPAD_PERIOD);
    for (const pad of navigator.getGamepads().filter(Boolean)) this.#lookAt(pad);
  }

  #lookAt({ index, buttons, axes }) {
    const now = { buttons: buttons.map((button) => button.pressed), axes: [...axes] };
    const before = this.#gamepads.get(index);
    if (before === undefined) {
      this.#gamepads.set(index, now);
      return;
    }
    const isPressed = now.buttons.some((pressed, n) => pressed && !before.buttons[n]);
    const isMoved = now.axes.some((at, n) => Math.abs(at - before.axes[n]) > STICK_MOVED);
    // Compared with the place that counted last: a slow movement counts, trembling does not.
    this.#gamepads.set(index, { ...now, axes: isMoved ? now.axes : before.axes });
    if (isPressed || isMoved) this.note(isPressed);
  }
}
