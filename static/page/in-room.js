// A bar on other sections while the player has a seat in a room, with a link to it.

import { linkTo } from '/static/page/address.js';
import { Clocks } from '/static/page/clocks.js';
import { byId, write } from '/static/page/elements.js';
import { titleOf } from '/static/page/games.js';
import { onLanguage, say } from '/static/page/language.js';
import { attempt } from '/static/page/problems.js';
import { recall, remember } from '/static/page/storage.js';

const SEATED = 'stillhere.room';

export class InRoom {
  #here;
  #games;
  #clocks = new Clocks(() => this.draw());
  #left = null; // {id, game, until}: a running match that the player just left
  #known = null; // {id, game}: a seat from before the page was loaded

  constructor(here, games) {
    this.#here = here;
    this.#games = games; // for titles
    here.on('room', (room) => {
      if (room.seat !== null) remember(SEATED, room.id);
      this.draw();
    });
    here.on('roomClosed', ({ room }) => {
      if (recall(SEATED) === room) remember(SEATED, '');
      if (this.#known?.id === room) this.#known = null;
      this.draw();
    });
    onLanguage(() => this.draw());
  }

  /** After a sign-in: asks whether the player still has the seat of the last visit. */
  async look() {
    const id = recall(SEATED);
    this.#left = this.#known = null;
    if (!id || this.#here.rooms.joined.has(id)) return;
    await attempt(async () => {
      const [{ game, players }] = await Promise.all([this.#here.rooms.find(id), this.#games.load()]);
      const isSeated = players.some((player) => player.id === this.#here.player?.id);
      if (isSeated) this.#known = { id, game };
      else remember(SEATED, '');
    }, ({ status }) => { if (status === 404) remember(SEATED, ''); });
    this.draw();
  }

  /** The player left on purpose; `grace`: seconds in which they may return to the match. */
  left(room, grace) {
    remember(SEATED, '');
    this.#known = null;
    this.#left = grace ? { id: room.id, game: room.info.game, until: performance.now() + grace * 1000 } : null;
    this.draw();
  }

  clear() {
    this.#left = this.#known = null;
    this.#clocks.clear();
    this.draw();
  }

  draw() {
    const bar = byId('in-room');
    const text = byId('in-room-text');
    const found = this.#find();
    const isShown = found !== null && document.body.dataset.open !== 'room';
    bar.hidden = !isShown;
    this.#clocks.remove(text);
    if (!isShown) return;
    const { id, at, words } = found;
    byId('in-room-back').href = linkTo(id);
    bar.dataset.tone = at === undefined ? 'info' : 'urgent';
    if (at === undefined) write(text, words(''));
    else this.#clocks.set(text, at, (clock) => write(text, words(clock)));
  }

  #find() {
    for (const room of this.#here.rooms.joined.values()) {
      if (room.seat === null) continue;
      const game = titleOf(room.info.game);
      const at = room.own?.asked?.expires_at ?? room.own?.move_at;
      const words = (clock) => (at === undefined ? say('in_room.text', { game }) : say('in_room.turn', { game, clock }));
      return { id: room.id, at, words };
    }
    if (this.#left !== null && this.#left.until > performance.now()) {
      const { id, game, until } = this.#left;
      return { id, at: until, words: (clock) => say('in_room.left', { game: titleOf(game), clock }) };
    }
    if (this.#known === null || this.#here.rooms.joined.has(this.#known.id)) return null;
    return { id: this.#known.id, words: () => say('in_room.text', { game: titleOf(this.#known.game) }) };
  }
}
