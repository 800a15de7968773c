// The lobby: the list, the search, and what is shown if it is empty.

import { copyAndSay, hasClipboard } from '/static/page/clipboard.js';
import { coalesceCrowd } from '/static/page/coalesce.js';
import { byId, onPress, write } from '/static/page/elements.js';
import { language, onLanguage, say } from '/static/page/language.js';
import { Order } from '/static/page/order.js';
import { attempt } from '/static/page/problems.js';
import { RosterList } from '/static/page/roster-list.js';

const SPEAKS_AFTER = 1000; // ms
const CROWD = 500; // players
const CROWD_PAUSE = 250; // ms between two drawings of a crowd

export class Lobby {
  #here;
  #order = new Order(language());
  #search = byId('search');
  #list;
  #isOpen = false;
  #hasFailed = false;
  #speaking = 0;

  constructor(here) {
    this.#here = here;
    this.#list = new RosterList(byId('roster'), { onEdge: () => this.#wantAll() });
    // A large lobby changes often: it is drawn a few times a second.
    const draw = coalesceCrowd(() => this.#draw(), {
      count: () => here.roster.players.size, few: CROWD, pause: CROWD_PAUSE,
    });
    for (const event of ['roster', 'connection']) here.on(event, draw);
    this.#search.addEventListener('input', () => this.#draw());
    this.#search.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.clearSearch();
    });
    onPress(byId('clear-search'), () => {
      this.clearSearch();
      this.#search.focus();
    });
    onPress(byId('copy-address'), () => this.#copy());
    onPress(byId('load-again'), () => this.retry());
    onLanguage(() => {
      this.#order = new Order(language());
      this.#draw();
    });
  }

  /** The section is shown. */
  open() {
    this.#isOpen = true;
    this.#hasFailed = false;
    this.#draw();
  }

  /** The section is hidden. */
  close() {
    this.#isOpen = false;
  }

  /** After an outage: loads what failed to load. */
  retry() {
    if (!this.#hasFailed) return;
    this.#hasFailed = false;
    this.#wantAll();
    this.#draw();
  }

  /** The player signed out, or another one signed in: shows nobody, but keeps the search. */
  clear() {
    this.#hasFailed = false;
    this.#draw();
  }

  clearSearch() {
    this.#search.value = '';
    this.#draw();
  }

  /** Of a large lobby the server lists the first by name; the others are loaded on demand. */
  async #wantAll() {
    const { roster } = this.#here;
    if (roster.isWaiting || roster.isComplete || roster.isLoading || this.#hasFailed) return;
    const loading = this.#here.loadRoster();
    this.#drawRest();
    if (!await attempt(() => loading)) this.#hasFailed = true;
    this.#draw();
  }

  #draw() {
    const { roster, player } = this.#here;
    const query = this.#search.value.trim();
    if (query && this.#isOpen) this.#wantAll();
    const everybody = this.#order.of(roster.players);
    const found = query ? this.#order.find(everybody, query) : everybody;
    const own = found.findIndex(({ id }) => id === player?.id);
    if (own > 0) found.unshift(...found.splice(own, 1)); // the player's own row first
    this.#list.show(found, player?.id ?? null);

    const isLoading = roster.isWaiting && roster.players.size === 0;
    byId('skeleton').hidden = !isLoading;
    byId('roster').hidden = found.length === 0;
    byId('clear-search').hidden = !query;
    const count = query
      ? say('lobby.found', { count: found.length, total: roster.total })
      : say('lobby.count', { count: roster.total });
    write(byId('count'), isLoading ? say('lobby.loading') : count);
    this.#announce(query ? count : '');
    this.#drawNobody(query, found.length, isLoading);
    this.#drawRest();
  }

  // Results of a search are announced once typing stops; changes of the lobby are not.
  #announce(text) {
    clearTimeout(this.#speaking);
    this.#speaking = setTimeout(() => write(byId('found'), text), SPEAKS_AFTER);
  }

  #drawNobody(query, count, isLoading) {
    const { roster } = this.#here;
    const isAlone = !query && roster.total <= 1 && !isLoading;
    const isNobody = query && count === 0 && !isLoading && !roster.isLoading;
    byId('nobody').hidden = !isAlone && !isNobody;
    byId('nobody-title').textContent = isNobody ? say('lobby.nobody', { query }) : say('lobby.alone');
    byId('nobody-text').textContent = say(isNobody ? 'lobby.nobody_text' : 'lobby.alone_text');
    byId('copy-address').hidden = !isAlone || !hasClipboard();
  }

  #drawRest() {
    const { roster } = this.#here;
    write(byId('rest'), this.#hasFailed ? say('lobby.load_failed')
      : roster.isLoading ? say('lobby.loading_all') : '');
    byId('load-again').hidden = !this.#hasFailed;
  }

  #copy() {
    copyAndSay(location.origin, byId('copy-address'), { said: say('lobby.copied'), after: () => say('lobby.copy') });
  }
}
