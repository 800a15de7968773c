// The form that lets a player in. Whatever goes wrong, the typed name stays.

import { Problem, signInAsGuest } from '/static/session.js';
import { inWords } from '/static/durations.js';

const STORED_NAME = 'stillhere.name';

/** For the next visit; an empty name forgets. A browser may forbid storage: then nothing is kept. */
export function rememberName(name) {
  try {
    if (name) localStorage.setItem(STORED_NAME, name);
    else localStorage.removeItem(STORED_NAME);
  } catch { /* a comfort, not a need */ }
}

function rememberedName() {
  try {
    return localStorage.getItem(STORED_NAME) ?? '';
  } catch {
    return '';
  }
}

export class SignInForm {
  #form;
  #error;
  #input;
  #isBusy = false;
  #onSignedIn;

  /** elements: {form, error}; onSignedIn(session view) */
  constructor({ form, error }, { onSignedIn }) {
    this.#form = form;
    this.#error = error;
    this.#input = form.elements.namedItem('name');
    this.#onSignedIn = onSignedIn;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#input.addEventListener('input', () => this.#showError(''));
  }

  /** Ready to go on as `name` with one action; without one, as whoever was here before. */
  prepare(name = rememberedName()) {
    if (name) this.#input.value = name;
    this.#showError('');
  }

  focus() {
    this.#input.focus();
  }

  async #submit() {
    if (this.#isBusy) return; // a double click is one wish
    this.#isBusy = true;
    this.#form.setAttribute('aria-busy', 'true');
    try {
      const view = await signInAsGuest(this.#input.value);
      this.#showError('');
      this.#onSignedIn(view);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#showError(explain(problem));
      this.#input.focus();
    } finally {
      this.#isBusy = false;
      this.#form.removeAttribute('aria-busy');
    }
  }

  #showError(text) {
    this.#error.textContent = text;
    if (text) this.#input.setAttribute('aria-invalid', 'true');
    else this.#input.removeAttribute('aria-invalid');
  }
}

function explain({ status, detail, retryAfter }) {
  if (status === 0) return 'The server cannot be reached. Check your connection and try again.';
  const wait = retryAfter === null ? '' : ` Try again in ${inWords(Math.ceil(retryAfter))}.`;
  return (detail || 'That did not work. Try again in a moment.') + wait;
}
