// The own finished matches: against whom, who won, and why it ended.

import { inBrief } from '/static/page/durations.js';
import { byId, make, onPress } from '/static/page/elements.js';
import { pictureOf, titleOf } from '/static/page/games.js';
import { dateAndTime, onLanguage, say } from '/static/page/language.js';
import { explainRoom, headlineOf, namesOf } from '/static/page/room-words.js';
import { Problem } from '/static/stillhere.js';

const PAGE = 10;
const REASONS = {
  forfeit: 'matches.forfeit',
  resigned: 'matches.resigned',
  claimed: 'matches.claimed',
  abandoned: 'matches.abandoned',
  failed: 'matches.failed',
};

export class Matches {
  #here;
  #matches = [];
  #next = null;
  #isLoading = false;

  constructor(here) {
    this.#here = here;
    onPress(byId('matches-more'), () => this.#load(this.#next));
    onLanguage(() => this.#draw());
  }

  open() {
    return this.#load(null);
  }

  async retry() {
    if (byId('matches-error').textContent) await this.#load(null);
  }

  clear() {
    this.#matches = [];
    this.#next = null;
    byId('match-list').replaceChildren();
  }

  async #load(after) {
    if (this.#isLoading) return; // a double click is one wish
    this.#isLoading = true;
    byId('matches-error').textContent = '';
    try {
      const page = await this.#here.rooms.matches({ after, limit: PAGE });
      this.#matches = after === null ? page.matches : [...this.#matches, ...page.matches];
      this.#next = page.next;
      this.#draw();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status !== 401) byId('matches-error').textContent = explainRoom(problem);
    } finally {
      this.#isLoading = false;
    }
  }

  #draw() {
    if (!this.#here.isSignedIn) return;
    byId('match-list').replaceChildren(...this.#matches.map((match) => this.#row(match)));
    byId('matches-empty').hidden = this.#matches.length > 0;
    byId('matches-more').hidden = this.#next === null;
  }

  #row(match) {
    const { players, winners, reason, game, seconds, ended_at: endedAt } = match;
    const own = players.find(({ id }) => id === this.#here.player.id)?.seat ?? null;
    const row = make('li', 'match');
    row.dataset.matchId = match.id;
    row.dataset.result = winners.includes(own) ? 'won' : winners.length === 0 ? 'draw' : 'lost';
    const others = players.filter(({ seat }) => seat !== own).map(({ name }) => name);
    const text = make('div');
    const head = make('p', 'match-head', headlineOf(match, players, own));
    const why = REASONS[reason] ? say(REASONS[reason]) : '';
    const with_ = others.length > 0 ? say('matches.with', { names: namesOf(others) }) : '';
    text.append(head, make('p', 'muted', [`${titleOf(game)}${with_ ? ` ${with_}` : ''}`, why].filter(Boolean).join(' · ')));
    const at = make('time', 'muted', `${dateAndTime(endedAt)} · ${inBrief(seconds)}`);
    at.dateTime = endedAt;
    row.append(pictureOf(game), text, at);
    return row;
  }
}
