// The player's own card: name, status, time left, and "be right back".

import { inBrief, inWords, onClock } from '/static/page/durations.js';
import { byId, fillSelect, onPress, write } from '/static/page/elements.js';
import { onLanguage, say } from '/static/page/language.js';
import { showAvatar, showStatus } from '/static/page/status.js';

const OWN_BREAKS = [2, 5, 10]; // minutes; the server grants what its `max_hold` allows

export class OwnCard {
  #here;
  #minutes = byId('brb-minutes');
  #isAway = false;
  #timer = 0;

  constructor(here, { onSignOut }) {
    this.#here = here;
    here.on('connection', (state) => { if (state === 'open') this.showError(''); });
    for (const event of ['signedIn', 'status', 'held', 'connection']) here.on(event, () => this.draw());
    onPress(byId('brb-go'), () => {
      here.hold(this.#minutes.value * 60, { why: 'be right back', away: true });
      if (here.connection !== 'open') this.showError(say('brb.later'));
      this.draw();
    });
    onPress(byId('brb-back'), () => here.release());
    onPress(byId('sign-out'), onSignOut);
    onLanguage(() => {
      this.#fillMinutes();
      this.draw();
    });
    this.#fillMinutes();
  }

  /** clock: {reason, left} of the first warning to strike, or null. */
  showTimeLeft(clock) {
    const line = byId('own-time');
    line.hidden = clock === null;
    if (clock === null) return;
    const key = clock.reason === 'idle_timeout' ? 'own.signed_out_in' : 'own.ends_in';
    line.textContent = say(key, { clock: onClock(clock.left) });
  }

  showError(text) {
    write(byId('lobby-error'), text);
  }

  draw() {
    const { player, policy, status } = this.#here;
    if (player === null) return;
    showAvatar(byId('own-avatar'), player);
    write(byId('own-name'), player.name);
    write(byId('own-kind'), say(player.guest ? 'own.guest' : 'own.member'));
    showStatus(byId('own-status'), status);
    write(byId('policy'), say('own.policy', {
      idle_timeout: inWords(policy.idle_timeout), warn_before: inWords(policy.warn_before),
    }));
    this.#drawBreak();
  }

  #drawBreak() {
    clearTimeout(this.#timer);
    const { isAwayOnPurpose: isAway, heldFor: left } = this.#here;
    const hadFocus = [byId('brb-go'), byId('brb-back')].includes(document.activeElement);
    byId('brb-is').hidden = !isAway;
    byId('brb-offer').hidden = isAway;
    if (isAway !== this.#isAway && hadFocus) byId(isAway ? 'brb-back' : 'brb-go').focus();
    this.#isAway = isAway;
    if (!isAway) return;
    write(byId('brb-text'), say('brb.text', { clock: onClock(left) }));
    this.#timer = setTimeout(() => this.#drawBreak(), (left % 1) * 1000 + 10);
  }

  #fillMinutes() {
    const offered = OWN_BREAKS.map((minutes) => [minutes, inBrief(minutes * 60)]);
    fillSelect(this.#minutes, offered, this.#minutes.value, OWN_BREAKS[1]);
  }
}
