// A question before something that cannot be undone, with two buttons; Escape means no.

import { byId, onPress } from '/static/page/elements.js';

export class Confirmation {
  #question;
  #no;
  #opener;
  #onChange;

  /**
   * name: that of the elements `name-sure`, `name-yes` and `name-no`; opener: the id of the button
   * that asks, which gets the focus back; onChange(isOpen): the question is shown or hidden.
   */
  constructor(name, opener, { onYes, onChange = () => {} }) {
    this.#question = byId(`${name}-sure`);
    this.#no = byId(`${name}-no`);
    this.#opener = byId(opener);
    this.#onChange = onChange;
    onPress(byId(`${name}-yes`), onYes);
    onPress(this.#no, () => this.#refuse());
    this.#question.addEventListener('keydown', ({ key }) => { if (key === 'Escape') this.#refuse(); });
  }

  get isOpen() {
    return !this.#question.hidden;
  }

  ask() {
    this.#show(true);
    this.#no.focus();
  }

  /** Hides the question, and leaves the focus where it is. */
  close() {
    this.#show(false);
  }

  #refuse() {
    this.#show(false);
    this.#opener.focus();
  }

  #show(isOpen) {
    this.#question.hidden = !isOpen;
    this.#onChange(isOpen);
  }
}
