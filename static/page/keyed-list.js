// A list of elements by key. Each is made once, changed in place, and moved only if its place is
// wrong, so that what has the focus, or is being read, stays.

export class KeyedList {
  #list;
  #parts = new Map(); // key -> {element, …}

  constructor(list) {
    this.#list = list;
  }

  /**
   * Shows these items in this order, and removes all others. keyOf(item); partsOf(item, known):
   * `known`, or new parts `{element, …}`; keeps(key): it stays although it is not among the items.
   * Returns the keys of those that were removed.
   */
  draw(items, { keyOf, partsOf, keeps = () => false }) {
    const keys = new Set(items.map(keyOf));
    const gone = [...this.#parts.keys()].filter((key) => !keys.has(key) && !keeps(key));
    for (const key of gone) this.#remove(key);
    const elements = items.map((item) => this.#elementOf(keyOf(item), (known) => partsOf(item, known)));
    let place = this.#list.firstElementChild;
    for (const element of elements) {
      if (element === place) place = place.nextElementSibling;
      else this.#list.insertBefore(element, place);
    }
    return gone;
  }

  clear() {
    for (const key of [...this.#parts.keys()]) this.#remove(key);
  }

  #elementOf(key, partsOf) {
    const known = this.#parts.get(key);
    const parts = partsOf(known);
    if (parts !== known) {
      known?.element.remove();
      this.#parts.set(key, parts);
    }
    return parts.element;
  }

  #remove(key) {
    this.#parts.get(key).element.remove();
    this.#parts.delete(key);
  }
}
