// Turns input into reports of activity. No timer makes one: an open page without input must time
// out.

const PERIOD = 5000; // ms between two reports; all times here are ms
const PROMPT = 1000; // the same while the player is away
const LEAVING_TAKES = 2000; // in which input is ignored after "be right back"
const GAMEPAD_PERIOD = 250;
const STICK_MOVED = 0.25; // of a stick's range: sticks drift by themselves
// `click` and `input`: screen readers and dictation send them without pointers or keys.
const INPUTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'click', 'input'];
// Not `pointerdown`: the dialog would close while the finger is down, and the click would hit what
// lies below it.
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

  /** report() -> true if sent; answer(): deliberate input while `isDeliberateOnly()`. */
  constructor({ isDeliberateOnly, isAway, report, answer }) {
    this.#isDeliberateOnly = isDeliberateOnly;
    this.#isAway = isAway;
    this.#report = report;
    this.#answer = answer;
  }

  listen(target, signal) {
    if (!target) return;
    // Capturing, so that no other listener can stop the event first.
    const options = { capture: true, passive: true, signal };
    for (const type of INPUTS) target.addEventListener(type, (event) => this.#hear(event), options);
    // Fired at the window only.
    window.addEventListener('gamepadconnected', () => this.#lookAtGamepads(signal), { signal });
  }

  /** Begins a session. */
  begin(policy) {
    this.#period = Math.min(PERIOD, (policy.away_after * 1000) / 4);
    this.#lastReport = this.#pausedUntil = -Infinity;
    this.#isPostponed = false;
  }

  /** The player said "be right back". */
  pause() {
    this.#pausedUntil = performance.now() + LEAVING_TAKES;
    this.#isPostponed = false;
  }

  /** An activity could not be reported; `sendPostponed` will do it. */
  postpone() {
    this.#isPostponed = true;
  }

  /** The postponed activity was reported in another way. */
  dropPostponed() {
    this.#isPostponed = false;
  }

  /** Another message counts as a report, such as a game's action. */
  reported() {
    this.#lastReport = performance.now();
    this.#isPostponed = false;
  }

  /** Reports the next input at once. */
  hurry() {
    this.#lastReport = -Infinity;
  }

  /** The player is back. */
  resume() {
    this.#pausedUntil = -Infinity;
  }

  /** Handles input. Deliberate: not mouse movements, which bumping the table causes too. */
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

  /** The connection is open again. */
  sendPostponed() {
    if (this.#isPostponed) this.#send();
  }

  #send() {
    this.#lastReport = performance.now();
    this.#isPostponed = !this.#report();
  }

  #hear(event) {
    if (!event.isTrusted || event.repeat) return; // repeats: an object may lie on the key
    if (event.type === 'pointermove' && !this.#hasMoved(event)) return;
    this.note(DELIBERATE.has(event.type));
  }

  // Browsers also report pointers at rest while the page changes under them.
  #hasMoved({ screenX, screenY, movementX, movementY }) {
    // A locked pointer moves without changing its position.
    if (document.pointerLockElement !== null) return movementX !== 0 || movementY !== 0;
    const before = this.#pointer;
    this.#pointer = { screenX, screenY };
    return before !== null && (before.screenX !== screenX || before.screenY !== screenY);
  }

  // There are no events for a gamepad's buttons: they are polled while one is connected.
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
    // Compared with the last position that counted, so that slow movement counts and jitter does
    // not.
    this.#gamepads.set(index, { ...now, axes: isMoved ? now.axes : before.axes });
    if (isPressed || isMoved) this.note(isPressed);
  }
}
