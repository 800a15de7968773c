// A match of a game without a page part: the view as JSON, and a field for an action.

import { make, write } from '/static/page/elements.js';
import { say } from '/static/page/language.js';
import { attemptIn } from '/static/page/problems.js';

export class PlainGame {
  #table;
  #view = make('pre', 'plain-view');
  #action = make('input');
  #error = make('p', 'error');
  #form = make('form', 'plain-act');

  constructor(element, table) {
    this.#table = table;
    this.#view.tabIndex = 0;
    this.#view.setAttribute('role', 'group');
    this.#view.setAttribute('aria-label', say('plain.view'));
    const text = make('p', 'muted', say('plain.text'));
    element.append(text, this.#view);
    if (table.seat === null) return;
    text.append(' ', say('plain.text_act'));
    this.#action.setAttribute('aria-label', say('plain.action'));
    this.#action.placeholder = '{"…": …}';
    this.#action.spellcheck = false;
    this.#error.setAttribute('role', 'alert');
    this.#form.append(this.#action, make('button', '', say('plain.send')));
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#act();
    });
    element.append(this.#form, this.#error);
  }

  draw({ view }) {
    this.#view.textContent = JSON.stringify(view, null, 1);
  }

  destroy() {}

  async #act() {
    let action;
    try {
      action = JSON.parse(this.#action.value);
    } catch {
      write(this.#error, say('plain.refused'));
      return;
    }
    if (await attemptIn(this.#error, () => this.#table.act(action), this.#form)) this.#action.value = '';
  }
}
