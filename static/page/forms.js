// Shared by the forms with passwords.

import { make, onPress } from '/static/page/elements.js';
import { onLanguage, say } from '/static/page/language.js';
import { Problem } from '/static/stillhere.js';

/** Throws the Problem that the server would answer to an empty field. */
export function requirePasswords(...inputs) {
  if (inputs.some(({ value }) => value === '')) {
    throw new Problem(422, { code: 'invalid', rule: 'password_empty' });
  }
}

/** True if the new password was refused. */
export const isAboutPassword = ({ details }) => details.rule?.startsWith('password') ?? false;

/** Marks a field as invalid, or removes the mark. */
export function mark(input, isWrong) {
  if (isWrong) input.setAttribute('aria-invalid', 'true');
  else input.removeAttribute('aria-invalid');
}

/** Shows or hides the hint of a field; also from screen readers, which read hidden descriptions. */
export function showHint(input, hint, isShown) {
  hint.hidden = !isShown;
  const others = input.getAttribute('aria-describedby').split(' ').filter((id) => id !== hint.id);
  input.setAttribute('aria-describedby', (isShown ? [hint.id, ...others] : others).join(' '));
}

/** The button of a password field that shows the password, and hides it again. */
export class RevealButton {
  #input;
  #button = make('button', 'quiet');

  constructor(input) {
    this.#input = input;
    this.#button.type = 'button';
    this.#button.setAttribute('aria-describedby', input.labels[0].id); // a form may have several passwords
    onPress(this.#button, () => this.#show(input.type === 'password'));
    input.after(this.#button);
    onLanguage(() => this.#draw());
    this.#draw();
  }

  hide() {
    this.#show(false);
  }

  #show(isShown) {
    this.#input.type = isShown ? 'text' : 'password';
    this.#draw();
  }

  #draw() {
    const isShown = this.#input.type === 'text';
    this.#button.setAttribute('aria-pressed', isShown);
    this.#button.textContent = say(isShown ? 'gate.hide' : 'gate.show');
    this.#button.setAttribute('aria-label', say(isShown ? 'gate.hide_password' : 'gate.show_password'));
  }
}
