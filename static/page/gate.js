// The sign-in form, and why the last session ended. Input is kept when a sign-in fails.

import { inWords } from '/static/page/durations.js';
import { byId, onPress, write } from '/static/page/elements.js';
import { isAboutPassword, mark, requirePasswords, RevealButton, showHint } from '/static/page/forms.js';
import { onLanguage, say, sayWord } from '/static/page/language.js';
import { attemptOnce, explain } from '/static/page/problems.js';
import { showStatus } from '/static/page/status.js';
import { recall, remember } from '/static/page/storage.js';
import { isOwnWish } from '/static/stillhere.js';

const NAME = 'stillhere.name';
const WAY = 'stillhere.way';

export class Gate {
  #here;
  #form = byId('sign-in');
  #name = byId('name');
  #password = byId('password');
  #revealButton = new RevealButton(byId('password'));
  #end = null; // {reason, player, isAsleep, isOwn}: how the last session ended
  #problem = null;

  /** here: StillHere. */
  constructor(here) {
    this.#here = here;
    this.#way = recall(WAY) || 'guest';
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener('change', () => this.#draw());
    for (const input of [this.#name, this.#password]) {
      input.addEventListener('input', () => this.#complain(null));
    }
    onPress(byId('somebody-else'), () => {
      this.#end.isAsleep = false;
      this.#name.value = '';
      this.#way = 'guest';
      this.#draw();
      this.#name.focus();
    });
    onPress(byId('resume'), () => this.#enter(() => here.look()));
    onLanguage(() => this.#draw());
  }

  /** Shown to players who are not signed in. */
  welcome() {
    this.#end = null;
    this.#name.value ||= recall(NAME);
    this.#draw();
    // On a touch screen the focus would open the keyboard over the text.
    if (matchMedia('(pointer: fine)').matches) this.#name.focus();
  }

  /** After a session ended: shows why, and fills in the name. */
  tell(end) {
    this.#end = { ...end };
    const { player, reason } = end;
    if (player) {
      this.#name.value = player.name;
      this.#way = player.guest ? 'guest' : 'sign-in';
    } else this.#name.value ||= recall(NAME);
    // After signing out on purpose, others may use this computer.
    if (isOwnWish(reason)) remember(NAME, '');
    this.#draw();
    byId('signed-out-title').focus(); // so that it is read out
  }

  /** After a sign-in: only the name and the way are kept, for the next time. */
  leave(player) {
    remember(NAME, player.name);
    remember(WAY, player.guest ? '' : 'sign-in');
    this.#password.value = '';
    byId('remember').checked = false;
    this.#end = null;
    this.#revealButton.hide();
    this.#complain(null);
  }

  get #way() {
    return this.#form.elements.way.value;
  }

  set #way(way) {
    this.#form.elements.way.value = way;
  }

  async #submit() {
    const [name, password] = [this.#name.value, this.#password.value];
    await this.#enter(() => {
      if (this.#way === 'guest') return this.#here.signInAsGuest(name);
      requirePasswords(this.#password);
      if (this.#way === 'register') return this.#here.register(name, password);
      return this.#here.signIn(name, password, { remember: byId('remember').checked });
    });
  }

  async #enter(ask) {
    await attemptOnce(this.#form, ask, (problem) => {
      this.#complain(problem);
      if (this.#end?.isAsleep) return;
      const isPassword = isAboutPassword(problem) || problem.code === 'bad_credentials';
      (isPassword ? this.#password : this.#name).focus();
    }, { isSigningIn: true });
  }

  #complain(problem) {
    this.#problem = problem;
    const text = problem ? explain(problem, this.#name.value) : '';
    const isAsleep = this.#end?.isAsleep ?? false;
    write(byId('sign-in-error'), isAsleep ? '' : text);
    write(byId('resume-error'), isAsleep ? text : '');
    const isPassword = problem !== null && isAboutPassword(problem);
    mark(this.#name, problem !== null && !isPassword);
    mark(this.#password, isPassword || problem?.code === 'bad_credentials');
    showHint(this.#password, byId('password-hint'), this.#way === 'register' && !isPassword); // the error says it
  }

  #draw() {
    const { policy } = this.#here;
    const way = this.#way;
    const lengths = policy && {
      idle_timeout: inWords(policy.idle_timeout), warn_before: inWords(policy.warn_before),
      away_after: inWords(policy.away_after),
    };
    byId('welcome').hidden = this.#end !== null;
    byId('signed-out').hidden = this.#end === null;
    if (this.#end) this.#drawEnd(lengths);

    const isAsleep = this.#end?.isAsleep ?? false;
    byId('resume').hidden = byId('somebody-else').hidden = !isAsleep;
    this.#form.hidden = isAsleep;

    byId('password-field').hidden = way === 'guest';
    byId('remember-field').hidden = way !== 'sign-in';
    this.#password.autocomplete = way === 'register' ? 'new-password' : 'current-password';
    const lasts = policy?.remember_lifetime;
    byId('remember-text').textContent = lasts
      ? say('gate.remember_for', { duration: inWords(lasts) })
      : say('gate.remember');
    const isSame = way === 'guest' && this.#end?.player && this.#name.value === this.#end.player.name;
    byId('enter').textContent = isSame ? say('gate.back_as', this.#end.player) : say({
      guest: 'gate.enter', 'sign-in': 'gate.do_sign_in', register: 'gate.do_register',
    }[way]);
    byId('fair-warning').textContent = lengths ? say('gate.policy', lengths) : say('gate.policy_unknown');
    byId('legend').hidden = !lengths || this.#end !== null;
    byId('legend-away').textContent = lengths ? say('legend.away', lengths) : '';
    for (const chip of byId('legend').querySelectorAll('[data-status-of]')) {
      showStatus(chip, chip.dataset.statusOf);
    }
    this.#complain(this.#problem);
  }

  #drawEnd(lengths) {
    const { reason, isAsleep, isOwn, player } = this.#end;
    byId('signed-out').dataset.reason = reason;
    byId('signed-out-title').textContent = say(isAsleep ? 'signed_out.asleep' : 'signed_out.title');
    const key = isAsleep ? 'signed_out.asleep_text'
      : reason === 'idle_timeout' && !lengths ? 'signed_out.idle_timeout_unknown'
      : reason === 'signed_out' && !isOwn ? 'signed_out.elsewhere'
      : `signed_out.${reason}`;
    byId('signed-out-reason').textContent = sayWord(key, lengths ?? {}, say('signed_out.other'));
    if (isAsleep) byId('resume').textContent = player ? say('gate.back_as', player) : say('gate.back');
  }
}
