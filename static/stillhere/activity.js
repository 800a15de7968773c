// Turns what a person does into reports. No timer in here ever makes one: an open page that nobody
// touches must time out.

const PERIOD = 5000; // between two reports of somebody who is busy
const PROMPT = 1000; // and of somebody who was taken for away
const LEAVING_TAKES = 2000; // from saying "be right back" to the hand off the mouse
const GAMEPAD_PERIOD = 250;
const STICK_MOVED = 0.25; // of its way: sticks drift when nobody holds them
// `click` and `input` also come from screen readers and dictation, without a pointer or a key.
const INPUTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart', 'click', 'input'];
// Not `pointerdown`: the answer to it would close the dialog under a finger that is still down, and
// the click that follows would hit whatever lies below, "Sign out" for one.
const DELIBERATE = new Set(['keydown', 'click', 'input']);

export class Activity {
  #isDeliberateOnly;
  #isAway;
  #report;
  #answer;
  #period = PERIOD;
  #lastReport = -Infinity;
  #pausedUntil = -Infinity;
  #isOwed = false;
  #pointer = null;
  #gamepads = new Map(); // index -> what its buttons and sticks were like

  /** report() -> whether it went out; answer(): a deliberate act while only such count. */
  constructor({ isDeliberateOnly, isAway, report, answer }) {
    this.#isDeliberateOnly = isDeliberateOnly;
    this.#isAway = isAway;
    this.#report = report;
    this.#answer = answer;
  }

  listen(target, signal) {
    if (!target) return;
    // Capturing: no part of the page can swallow a sign of life.
    const options = { capture: true, passive: true, signal };
    for (const type of INPUTS) target.addEventListener(type, (event) => this.#hear(event), options);
    // Told to the window alone: a gamepad is in no part of the page.
    window.addEventListener('gamepadconnected', () => this.#lookAtGamepads(signal), { signal });
  }

  /** A new session: nothing is owed to the one before. */
  begin(policy) {
    this.#period = Math.min(PERIOD, (policy.away_after * 1000) / 4);
    this.#lastReport = this.#pausedUntil = -Infinity;
    this.#isOwed = false;
  }

  /** The player is about to go. */
  pause() {
    this.#pausedUntil = performance.now() + LEAVING_TAKES;
    this.#isOwed = false;
  }

  /** Something was done that could be told to nobody. */
  owe() {
    this.#isOwed = true;
  }

  /** It was told in another way. */
  forgive() {
    this.#isOwed = false;
  }

  /** Something else told it: a game's action, say. Needs no report of its own for a while. */
  told() {
    this.#lastReport = performance.now();
    this.#isOwed = false;
  }

  /** What comes next is told at once: somebody waits for a sign of life. */
  hurry() {
    this.#lastReport = -Infinity;
  }

  /** They are back. */
  resume() {
    this.#pausedUntil = -Infinity;
  }

  /** Something was done. Deliberate: not what a nudged table does as well. */
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

  /** What was done while the connection was away counts as soon as it is back. */
  settle() {
    if (this.#isOwed) this.#send();
  }

  #send() {
    this.#lastReport = performance.now();
    this.#isOwed = !this.#report();
  }

  #hear(event) {
    if (!event.isTrusted || event.repeat) return; // a book on the keyboard plays no game
    if (event.type === 'pointermove' && !this.#hasMoved(event)) return;
    this.note(DELIBERATE.has(event.type));
  }

  // Browsers also report a pointer that rests while the page changes under it, and the lobby
  // changes all the time.
  #hasMoved({ screenX, screenY, movementX, movementY }) {
    // One that a game has locked moves without getting anywhere.
    if (document.pointerLockElement !== null) return movementX !== 0 || movementY !== 0;
    const before = this.#pointer;
    this.#pointer = { screenX, screenY };
    return before !== null && (before.screenX !== screenX || before.screenY !== screenY);
  }

  // There are no events for a gamepad's buttons; a page can only look, while one is there.
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
    // From where it was when it last counted: a slow movement counts, trembling in one place never.
    this.#gamepads.set(index, { ...now, axes: isMoved ? now.axes : before.axes });
    if (isPressed || isMoved) this.note(isPressed);
  }
}
