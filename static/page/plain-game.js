// A match of a game without a page part: the view as JSON, and a field for an action.

import { make } from '/static/page/elements.js';
import { say } from '/static/page/language.js';

export class PlainGame {
  #table;
  #view = make('pre', 'plain-view');
  #action = make('input');
  #error = make('p', 'error');

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
    const form = make('form', 'plain-act');
    const send = make('button', '', say('plain.send'));
    form.append(this.#action, send);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#act();
    });
    element.append(form, this.#error);
  }

  draw({ view }) {
    this.#view.textContent = JSON.stringify(view, null, 1);
  }

  destroy() {}

  async #act() {
    this.#error.textContent = '';
    try {
      await this.#table.act(JSON.parse(this.#action.value));
      this.#action.value = '';
    } catch (problem) {
      this.#error.textContent = problem.detail || say('plain.refused');
    }
  }
}
