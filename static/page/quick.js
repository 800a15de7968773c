// Quick match: a button a game, and waiting for others until there is a room.

import { byId, make, onPress, write } from '/static/page/elements.js';
import { pictureOf, rulesOf, sizeOf, titleOf } from '/static/page/games.js';
import { onLanguage, say } from '/static/page/language.js';
import { Practice } from '/static/page/practice.js';
import { attempt, explain } from '/static/page/problems.js';

export class Quick {
  #here;
  #games;
  #alerts;
  #practice;
  #isOwn = false; // this tab asked; another tab of the player may have too
  #fellOut = null; // {game}: the player was away for too long
  #error = '';
  #hasFailed = false;

  /** onRoom(id): a room was found. */
  constructor(here, games, alerts, { onRoom }) {
    this.#here = here;
    this.#games = games;
    this.#alerts = alerts;
    this.#practice = new Practice(here, games, { onRoom, onProblem: (problem) => this.#complain(problem) });
    here.on('queued', (queued) => this.#hear(queued));
    here.on('matched', (offer) => {
      const { room, game } = offer;
      if (!this.#isOwn && document.visibilityState !== 'visible') return;
      this.#isOwn = false;
      alerts.raise(say('quick.found'), say('quick.found_text', { game: titleOf(game) }));
      if (!this.#practice.offer(offer)) onRoom(room);
    });
    onPress(byId('queue-cancel'), () => this.#cancel());
    onPress(byId('queue-again'), () => this.#look(this.#fellOut?.game ?? null));
    onPress(byId('quick-retry'), () => this.open());
    onLanguage(() => this.#build());
  }

  /** The section is shown. */
  async open() {
    this.#hasFailed = !await attempt(async () => {
      if (this.#games.all.length === 0) await this.#games.load();
      // A room opened by its link has loaded the games already.
      if (!byId('quick-games').hasChildNodes()) this.#build();
    });
    this.#draw();
  }

  /** After an outage: loads what failed to load. */
  async retry() {
    if (this.#hasFailed) await this.open();
  }

  clear() {
    this.#isOwn = false;
    this.#fellOut = null;
    this.#error = '';
    this.#practice.clear();
    this.#draw();
  }

  #complain(problem) {
    this.#error = explain(problem);
    this.#draw();
  }

  #hear({ game, waiting, reason }) {
    if (waiting > 0) this.#fellOut = null;
    else if (reason !== 'matched' && reason !== 'cancelled' && this.#isOwn) {
      this.#fellOut = { game };
      this.#alerts.raise(say('quick.fell_out'), say('quick.fell_out_text'));
    }
    this.#draw();
  }

  async #look(game) {
    this.#isOwn = true;
    this.#fellOut = null;
    await this.#do(() => this.#here.rooms.quickMatch({ game }));
    // The pressed button was removed.
    if (this.#here.rooms.queue !== null && document.activeElement === document.body) byId('queue-cancel').focus();
  }

  async #cancel() {
    const { game } = this.#here.rooms.queue ?? {};
    this.#isOwn = false;
    await this.#do(() => this.#here.rooms.cancelQuickMatch());
    const tile = byId('quick-games').querySelector(`[data-game="${CSS.escape(game ?? '')}"]`);
    (tile ?? byId('quick-games').querySelector('button'))?.focus();
  }

  async #do(ask) {
    this.#error = '';
    const asked = attempt(ask, (problem) => this.#complain(problem));
    this.#draw();
    await asked;
    this.#draw();
  }

  #build() {
    const tiles = this.#games.all.map((game) => {
      const item = make('li');
      const button = make('button', 'game-tile');
      button.type = 'button';
      button.dataset.game = game.name;
      const text = make('span', 'game-text');
      text.append(
        make('span', 'game-title', titleOf(game.name)),
        make('span', 'game-size muted', sizeOf(game)),
        make('span', 'game-rules muted', rulesOf(game.name)),
      );
      button.append(pictureOf(game.name), text);
      onPress(button, () => this.#look(game.name));
      item.append(button);
      return item;
    });
    byId('quick-games').replaceChildren(...tiles);
    // The same again, folded, for screens without room in the tiles.
    byId('quick-rules-list').replaceChildren(...this.#games.all
      .filter(({ name }) => rulesOf(name))
      .flatMap(({ name }) => [make('dt', '', titleOf(name)), make('dd', 'muted', rulesOf(name))]));
    this.#practice.build();
    this.#draw();
  }

  #draw() {
    const { queue } = this.#here.rooms;
    const hasGames = this.#games.all.length > 0;
    byId('quick-games').hidden = queue !== null || !hasGames;
    byId('quick-lead').hidden = queue !== null || !hasGames;
    byId('quick-rules').hidden = queue !== null || !byId('quick-rules-list').hasChildNodes();
    byId('queue').hidden = queue === null;
    byId('queue-out').hidden = this.#fellOut === null || queue !== null;
    byId('quick-failed').hidden = !this.#hasFailed;
    byId('quick-skeleton').hidden = hasGames || this.#hasFailed || queue !== null;
    write(byId('quick-error'), this.#error);
    if (queue === null) {
      write(byId('queue-title'), '');
      return;
    }
    byId('queue-picture').replaceChildren(pictureOf(queue.game ?? ''));
    write(byId('queue-title'), queue.game === null
      ? say('quick.looking_any')
      : say('quick.looking', { game: titleOf(queue.game) }));
    const others = queue.waiting - 1;
    write(byId('queue-text'), others > 0 ? say('quick.waiting', { count: others }) : say('quick.alone'));
  }
}
