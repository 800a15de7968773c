// The player's finished matches: the other players, who won, and why each ended.

import { inBrief } from '/static/page/durations.js';
import { byId, make } from '/static/page/elements.js';
import { pictureOf, titleOf } from '/static/page/games.js';
import { dateAndTime, namesOf, onLanguage, say, sayWord } from '/static/page/language.js';
import { PagedList } from '/static/page/paged-list.js';
import { headlineOf } from '/static/page/room-words.js';
import { markedName } from '/static/page/status.js';

const MATCHES_A_PAGE = 10;

export class Matches {
  #here;
  #matches;

  constructor(here) {
    this.#here = here;
    this.#matches = new PagedList({
      more: byId('matches-more'),
      error: byId('matches-error'),
      load: async (after) => {
        const { matches, next } = await here.rooms.matches({ after, limit: MATCHES_A_PAGE });
        return { items: matches, next };
      },
      draw: () => this.#draw(),
    });
    onLanguage(() => this.#draw());
  }

  open() {
    return this.#matches.open();
  }

  retry() {
    return this.#matches.retry();
  }

  clear() {
    this.#matches.clear();
    byId('match-list').replaceChildren();
  }

  #draw() {
    if (!this.#here.isSignedIn) return;
    byId('match-list').replaceChildren(...this.#matches.items.map((match) => this.#row(match)));
    byId('matches-empty').hidden = this.#matches.items.length > 0;
  }

  #row(match) {
    const { players, winners, reason, game, seconds, ended_at: endedAt } = match;
    const own = players.find(({ id }) => id === this.#here.player.id)?.seat ?? null;
    const row = make('li', 'match');
    row.dataset.matchId = match.id;
    row.dataset.result = winners.includes(own) ? 'won' : winners.length === 0 ? 'draw' : 'lost';
    const others = players.filter(({ seat }) => seat !== own).map(markedName);
    const text = make('div');
    const head = make('p', 'match-head', headlineOf(match, players, own));
    const why = sayWord(`ended.${reason}`, {}, '');
    const with_ = others.length > 0 ? say('matches.with', { names: namesOf(others) }) : '';
    text.append(head, make('p', 'muted', [`${titleOf(game)}${with_ ? ` ${with_}` : ''}`, why].filter(Boolean).join(' · ')));
    const at = make('time', 'muted', `${dateAndTime(endedAt)} · ${inBrief(seconds)}`);
    at.dateTime = endedAt;
    row.append(pictureOf(game), text, at);
    return row;
  }
}
