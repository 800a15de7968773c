// The form that changes the password. What was typed stays when that fails.

import { byId, write } from '/static/page/elements.js';
import { onLanguage, say } from '/static/page/language.js';
import { attempt, explain } from '/static/page/problems.js';
import { Problem } from '/static/stillhere.js';

export class PasswordForm {
  #here;
  #form = byId('password-form');
  #current = byId('current-password');
  #new = byId('new-password');
  #problem = null;
  #isChanged = false;
  #isBusy = false;

  /** onChanged: all other sessions have ended. */
  constructor(here, { onChanged }) {
    this.#here = here;
    this.#form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (await this.#submit()) onChanged();
    });
    for (const input of [this.#current, this.#new]) {
      input.addEventListener('input', () => this.#tell(null));
    }
    byId('show-passwords').addEventListener('change', ({ target }) => this.#reveal(target.checked));
    onLanguage(() => this.#draw());
  }

  /** The section comes into sight. A guest has no password. */
  open() {
    this.#form.hidden = !this.#here.player || this.#here.player.guest;
    byId('password-name').value = this.#here.player?.name ?? ''; // for password managers
    this.#tell(null);
  }

  /** Passwords are not left lying about. */
  clear() {
    this.#current.value = this.#new.value = '';
    this.#reveal(false);
    this.#tell(null);
  }

  async #submit() {
    const [current, password] = [this.#current.value, this.#new.value];
    const empty = [this.#current, this.#new].find(({ value }) => value === '');
    if (empty) {
      this.#fail(new Problem(422, { code: 'invalid', rule: 'password_empty' }), empty);
      return false;
    }
    if (this.#isBusy) return false; // a double click
    this.#isBusy = true;
    this.#form.setAttribute('aria-busy', 'true');
    const isDone = await attempt(
      () => this.#here.changePassword(current, password),
      (problem) => this.#fail(problem, this.#fieldOf(problem)),
    );
    this.#isBusy = false;
    this.#form.removeAttribute('aria-busy');
    if (!isDone) return false;
    this.clear();
    this.#tell(null, { isChanged: true });
    return true;
  }

  #fieldOf({ code, details }) {
    if (code === 'wrong_password') return this.#current;
    return details.rule?.startsWith('password') ? this.#new : null;
  }

  #fail(problem, field) {
    if (problem.status === 401) return; // shown by the page as a whole
    this.#tell({ problem, field });
    field?.focus();
  }

  /** failure: {problem, field}; `field` is null where neither is to blame. */
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
      if (isWrong) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
    }
    write(byId('password-error'), field ? '' : text);
    write(byId('password-said'), this.#isChanged ? say('password.changed') : '');
  }

  #reveal(isShown) {
    byId('show-passwords').checked = isShown;
    this.#current.type = this.#new.type = isShown ? 'text' : 'password';
  }
}
