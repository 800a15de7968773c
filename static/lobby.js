// The lobby as a player sees it: the own card, the state of the connection, who else is here.

import { inWords, onClock } from '/static/durations.js';
import { Roster, RosterList } from '/static/roster.js';
import { showAvatar, showStatus } from '/static/status.js';

const CONNECTION_WORDS = {
  connecting: 'Connecting…',
  open: 'Connected',
  reconnecting: 'Reconnecting…',
  closed: '',
};
const byId = (id) => document.getElementById(id);

export class Lobby {
  #roster = new Roster();
  #list = new RosterList({
    list: byId('roster'), total: byId('total'), unit: byId('total-unit'), more: byId('more'),
  });
  #ownId = null;

  /** The session view's player and policy. */
  showOwn(player, policy) {
    this.#ownId = player.id;
    showAvatar(byId('own-avatar'), player);
    byId('own-name').textContent = player.name;
    byId('policy').textContent =
      `You are signed out after ${inWords(policy.idle_timeout)} without activity; ` +
      `you are warned ${inWords(policy.warn_before)} before.`;
  }

  showOwnStatus(status) {
    showStatus(byId('own-status'), status);
  }

  /** clock: {reason, left} of the clock that runs out first, or null. */
  showTimeLeft(clock) {
    const line = byId('own-time');
    line.hidden = clock === null;
    if (clock === null) return;
    const what = clock.reason === 'idle_timeout' ? 'Signed out in' : 'Session ends in';
    line.textContent = `${what} ${onClock(clock.left)}`;
  }

  showConnection(state) {
    const element = byId('connection');
    element.dataset.state = state;
    // Only words: a server on this very machine is reachable without any network.
    const hasNoNetwork = state === 'reconnecting' && !navigator.onLine;
    element.textContent = hasNoNetwork ? 'No network. Reconnecting…' : CONNECTION_WORDS[state];
    byId('lobby').classList.toggle('is-stale', state === 'reconnecting');
  }

  showError(text) {
    byId('lobby-error').textContent = text;
  }

  /** A new connection: what it says before its first `roster` builds on nothing known. */
  wait() {
    this.#roster.wait();
  }

  replace(message) {
    this.#roster.replace(message);
    this.#list.draw(this.#roster, this.#ownId);
  }

  /** Returns false if the roster has to be asked for again. */
  apply(message) {
    if (!this.#roster.apply(message)) return false;
    this.#list.draw(this.#roster, this.#ownId);
    return true;
  }

  /** The own status as everybody sees it; undefined in a lobby too large to list the player. */
  get ownStatus() {
    return this.#roster.players.get(this.#ownId)?.status;
  }

  /** Whoever comes next must not see who was here before. */
  clear() {
    this.#roster = new Roster();
    this.#list.draw(this.#roster, null);
    this.showError('');
  }
}
