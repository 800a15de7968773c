// A list of elements by key. Each is made once, updated in place, and moved only if its place is
// wrong, so that the focus and a reading position are kept.

export class KeyedList {
  #list;
  #parts = new Map(); // key -> {element, …}

  constructor(list) {
    this.#list = list;
  }

  /**
   * Shows these items in this order, and removes all others. keyOf(item); partsOf(item, known):
   * `known`, or new parts `{element, …}`; keeps(key): true to keep it though it is not an item.
   * Returns the keys of the removed ones.
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
