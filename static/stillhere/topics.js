// The watched topics: each is watched again after a reconnect, and after a gap.

import { Roster } from './roster.js';

export class Topics {
  roster;
  #topics;
  #here;
  #ask;
  #tell;

  /** watch: the first topics; ask(message): sends it; tell(event, what): calls listeners. */
  constructor({ watch, here, ask, tell }) {
    this.#topics = new Set(watch);
    this.#here = here;
    this.#ask = ask;
    this.#tell = tell;
    this.roster = this.#newRoster();
  }

  watch(topic) {
    this.#topics.add(topic);
    this.#ask({ type: 'watch', topic });
  }

  unwatch(topic) {
    this.#topics.delete(topic);
    if (topic === 'rooms') this.#here.rooms.list.clear();
    this.#ask({ type: 'unwatch', topic });
  }

  /** Takes a message of a topic, and fires its event. Returns true if the lobby has changed. */
  hear(message) {
    const { topic } = message;
    const mirror = topic === 'lobby' ? this.roster : this.#here.rooms.mirrorOf(topic);
    if (mirror === undefined) return false; // a room left meanwhile, or a topic of the page
    if (!mirror.hear(message)) this.#ask({ type: 'watch', topic });
    else if (mirror === this.roster) return true;
    else this.#here.rooms.changed(message);
    return false;
  }

  async loadRoster() {
    const { roster } = this;
    try {
      await roster.load();
    } finally {
      if (this.roster === roster) this.#tell('roster', roster);
    }
  }

  connected() {
    this.roster.wait();
    for (const topic of this.#topics) this.#ask({ type: 'watch', topic });
  }

  disconnected() {
    this.roster.isStale = true;
  }

  /** Called after a sign-out. */
  clear() {
    this.roster.stopLoading();
    this.roster = this.#newRoster();
  }

  #newRoster() {
    return new Roster(() => this.#here.policy.away_after);
  }
}
