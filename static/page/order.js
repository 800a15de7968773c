// Players sorted by name, kept up to date: sorting 5,000 names by the rules of a language takes 0.1
// s, and the lobby changes many times a second.

/** Removes case, marks and width from a text, for searching. */
const fold = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

export class Order {
  #sorted = []; // players as added; only `id` and `name` are used
  #folded = new Map(); // id -> folded name
  #collator;

  constructor(language) {
    this.#collator = new Intl.Collator(language, { sensitivity: 'base', numeric: true });
  }

  /** Returns the players of the map, by name. */
  of(players) {
    this.#sorted = this.#sorted.filter(({ id }) => players.has(id) || !this.#folded.delete(id));
    const fresh = [...players.values()].filter(({ id }) => !this.#folded.has(id));
    for (const { id, name } of fresh) this.#folded.set(id, fold(name));
    if (fresh.length > 0) this.#merge(fresh.sort(this.#compare));
    return this.#sorted.map(({ id }) => players.get(id));
  }

  /** Returns those of `players` whose name contains `query`. */
  find(players, query) {
    const wanted = fold(query.trim());
    return players.filter(({ id }) => this.#folded.get(id).includes(wanted));
  }

  #compare = (a, b) => this.#collator.compare(a.name, b.name) || (a.id < b.id ? -1 : 1);

  #merge(fresh) {
    const merged = [];
    let next = 0;
    for (const player of this.#sorted) {
      while (next < fresh.length && this.#compare(fresh[next], player) < 0) merged.push(fresh[next++]);
      merged.push(player);
    }
    this.#sorted = merged.concat(fresh.slice(next));
  }
}
