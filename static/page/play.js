// The list of rooms, to join or watch, and a form to open one.

import { coalesceCrowd } from '/static/page/coalesce.js';
import { byId, fillSelect, make, onPress, write } from '/static/page/elements.js';
import { pictureOf, titleOf } from '/static/page/games.js';
import { KeyedList } from '/static/page/keyed-list.js';
import { namesOf, onLanguage, say, sayWord } from '/static/page/language.js';
import { attempt, attemptIn } from '/static/page/problems.js';
import { markedName } from '/static/page/status.js';

const TOPIC = 'rooms';
const SHOWN = 100; // rows; the filters find the others
const MANY_ROOMS = 50;
const ROOMS_PAUSE = 300; // ms between two drawings of many rooms

export class Play {
  #here;
  #games;
  #matches;
  #onRoom;
  #rows = new KeyedList(byId('room-list'));
  #isOpen = false;

  /** onRoom(id, {spectate}): a room was chosen. */
  constructor(here, games, matches, { onRoom }) {
    this.#here = here;
    this.#games = games;
    this.#matches = matches;
    this.#onRoom = onRoom;
    const draw = coalesceCrowd(() => this.#draw(), {
      count: () => here.rooms.list.rooms.size, few: MANY_ROOMS, pause: ROOMS_PAUSE,
    });
    for (const event of ['rooms', 'connection']) here.on(event, () => { if (this.#isOpen) draw(); });
    byId('rooms-game').addEventListener('change', () => this.#draw());
    byId('rooms-free').addEventListener('change', () => this.#draw());
    onPress(byId('new-room'), () => this.#unfold(byId('new-room-form').hidden));
    onPress(byId('new-room-cancel'), () => {
      this.#unfold(false);
      byId('new-room').focus();
    });
    byId('new-room-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#create();
    });
    onLanguage(() => {
      this.#rows.clear();
      this.#fillGames();
      this.#draw();
    });
  }

  /** The section is shown. */
  async open() {
    this.#isOpen = true;
    this.#here.watch(TOPIC);
    this.#draw();
    await Promise.all([this.#load(), this.#matches.open()]);
  }

  close() {
    this.#isOpen = false;
    this.#here.unwatch(TOPIC);
    this.#unfold(false);
  }

  /** After an outage: loads what failed to load. */
  async retry() {
    await Promise.all([this.#load(), this.#matches.retry()]);
  }

  clear() {
    this.#rows.clear();
    this.#matches.clear();
    this.#unfold(false);
  }

  async #load() {
    await attempt(async () => {
      await this.#games.load();
      this.#fillGames();
      this.#draw();
    }); // a failure is shown at the games
  }

  #fillGames() {
    const offered = this.#games.all.map(({ name }) => [name, titleOf(name)]);
    const [wanted, made] = [byId('rooms-game'), byId('new-room-game')];
    fillSelect(wanted, [['', say('play.any_game')], ...offered], wanted.value);
    fillSelect(made, offered, made.value);
  }

  #unfold(isOpen) {
    byId('new-room-form').hidden = !isOpen;
    byId('new-room').setAttribute('aria-expanded', isOpen);
    write(byId('new-room-error'), '');
    if (isOpen) byId('new-room-game').focus();
  }

  async #create() {
    await attemptIn(byId('new-room-error'), async () => {
      const { id } = await this.#here.rooms.create({
        game: byId('new-room-game').value, isPrivate: byId('new-room-private').checked,
      });
      this.#onRoom(id);
    }, byId('new-room-form'));
  }

  #draw() {
    const { list } = this.#here.rooms;
    const [game, hasFree] = [byId('rooms-game').value, byId('rooms-free').checked];
    const found = [...list.rooms.values()].filter((room) =>
      (!game || room.game === game) && (!hasFree || room.free > 0));
    const shown = found.slice(0, SHOWN);
    const isLoading = list.isWaiting && list.rooms.size === 0;
    this.#rows.draw(shown, {
      keyOf: ({ id }) => id,
      partsOf: (listing, known) => this.#partsOf(listing, known),
    });
    byId('rooms-skeleton').hidden = !isLoading;
    byId('room-list').hidden = shown.length === 0;
    byId('no-rooms').hidden = isLoading || found.length > 0;
    write(byId('no-rooms-title'), say(list.total > 0 ? 'play.none_found' : 'play.no_rooms'));
    write(byId('rooms-count'), isLoading ? say('play.loading') : say('play.count', { count: list.total }));
    const hidden = found.length - shown.length;
    byId('rooms-more').hidden = hidden <= 0;
    if (hidden > 0) write(byId('rooms-more'), say('play.more', { count: hidden }));
  }

  #partsOf(listing, known) {
    if (known?.listing === listing) return known;
    const parts = known ?? { element: make('li', 'room-row') };
    const row = parts.element;
    parts.listing = listing;
    const hadFocus = row.contains(document.activeElement) ? document.activeElement.dataset.does : null;
    row.dataset.roomId = listing.id;
    row.dataset.state = listing.state;
    const text = make('div', 'room-text');
    const head = make('p', 'room-name', titleOf(listing.game));
    head.append(' ', make('span', 'tag muted-tag', sayWord(`state.${listing.state}`, {}, listing.state)));
    text.append(head, whoIn(listing), make('p', 'muted', aboutOf(listing)));
    const buttons = make('div', 'room-buttons');
    buttons.append(...this.#buttons(listing));
    row.replaceChildren(pictureOf(listing.game), text, buttons);
    if (hadFocus) (row.querySelector(`[data-does="${hadFocus}"]`) ?? row.querySelector('button')).focus();
    return parts;
  }

  #buttons(listing) {
    const isOwn = listing.players.some(({ id }) => id === this.#here.player?.id);
    const button = (does, key, options) => {
      const made = make('button', does === 'watch' ? 'quiet' : '', say(key));
      made.type = 'button';
      made.dataset.does = does;
      made.setAttribute('aria-label', `${say(key)}: ${titleOf(listing.game)}, ${namesIn(listing)}`);
      onPress(made, () => this.#onRoom(listing.id, options));
      return made;
    };
    if (isOwn) return [button('join', 'play.back')];
    const watch = button('watch', 'play.watch', { spectate: true });
    // During a match a seat may be taken for the next one.
    return listing.free > 0 ? [button('join', 'play.join'), watch] : [watch];
  }
}

function namesIn({ players }) {
  return players.length > 0 ? namesOf(players.map(markedName)) : say('play.nobody');
}

function whoIn(listing) {
  const line = make('p');
  line.append(make('bdi', '', namesIn(listing)));
  return line;
}

function aboutOf({ free, spectators }) {
  const parts = [free > 0 ? say('play.free', { count: free }) : say('play.full')];
  if (spectators > 0) parts.push(say('play.spectators', { count: spectators }));
  return parts.join(' · ');
}
