// The form that changes the password. Input is kept when that fails.

import { byId, write } from '/static/page/elements.js';
import { isAboutPassword, mark, requirePasswords, RevealButton, showHint } from '/static/page/forms.js';
import { onLanguage, say } from '/static/page/language.js';
import { attemptOnce, explain } from '/static/page/problems.js';

export class PasswordForm {
  #here;
  #form = byId('password-form');
  #current = byId('current-password');
  #new = byId('new-password');
  #revealButtons = [this.#current, this.#new].map((input) => new RevealButton(input));
  #problem = null;
  #isChanged = false;

  /** onChanged(): all other sessions have ended. */
  constructor(here, { onChanged }) {
    this.#here = here;
    this.#form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (await this.#submit()) onChanged();
    });
    for (const input of [this.#current, this.#new]) {
      input.addEventListener('input', () => this.#tell(null));
    }
    onLanguage(() => this.#draw());
  }

  /** The section is shown. A guest has no password. */
  open() {
    this.#form.hidden = !this.#here.player || this.#here.player.guest;
    byId('password-name').value = this.#here.player?.name ?? ''; // for password managers
    this.#tell(null);
  }

  /** Clears the passwords. */
  clear() {
    this.#current.value = this.#new.value = '';
    for (const button of this.#revealButtons) button.hide();
    this.#tell(null);
  }

  async #submit() {
    const [current, password] = [this.#current.value, this.#new.value];
    const isDone = await attemptOnce(this.#form, () => {
      requirePasswords(this.#current, this.#new);
      return this.#here.changePassword(current, password);
    }, (problem) => {
      const field = this.#fieldOf(problem);
      this.#tell({ problem, field });
      field?.focus();
    });
    if (!isDone) return false;
    this.clear();
    this.#tell(null, { isChanged: true });
    return true;
  }

  #fieldOf(problem) {
    if (problem.code === 'wrong_password') return this.#current;
    if (!isAboutPassword(problem)) return null;
    return this.#current.value === '' ? this.#current : this.#new;
  }

  /** failure: {problem, field}; `field` is null if neither is the cause. */
  #tell(failure, { isChanged = false } = {}) {
    this.#problem = failure;
    this.#isChanged = isChanged;
    this.#draw();
  }

  #draw() {
    const { problem, field } = this.#problem ?? {};
    const text = problem ? explain(problem) : '';
    for (const input of [this.#current, this.#new]) {
      const isWrong = field === input;
      write(byId(`${input.id}-error`), isWrong ? text : '');
      mark(input, isWrong);
    }
    showHint(this.#new, byId('new-password-hint'), field !== this.#new); // the error says it
    write(byId('password-error'), field ? '' : text);
    write(byId('password-said'), this.#isChanged ? say('password.changed') : '');
  }
}
