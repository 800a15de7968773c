// The player's status changes with their reasons: "Why was I signed out?"

import { inWords } from '/static/page/durations.js';
import { byId, make, shape } from '/static/page/elements.js';
import { day, has, onLanguage, say, sayWord, time } from '/static/page/language.js';
import { PagedList } from '/static/page/paged-list.js';

const CHANGES_A_PAGE = 50;
const SESSION_ENDS = new Set([
  'signed_out', 'signed_out_everywhere', 'idle_timeout', 'session_lifetime', 'kicked', 'replaced',
]);
const OF_A_BREAK = 'be right back'; // begins the detail of a row `idle`

/** The server's names of activities; any other is a request, by its method and path. */
const ACTIVITIES = {
  ping: 'history.by_ping',
  'POST /api/session/activity': 'history.by_ping', // a ping without a socket
  'sign-in': 'history.by_sign_in',
  game: 'history.by_room',
  'game action': 'history.by_room',
  chat: 'history.by_chat',
};

export class OwnHistory {
  #here;
  #changes;

  constructor(here) {
    this.#here = here;
    this.#changes = new PagedList({
      more: byId('history-more'),
      error: byId('history-error'),
      load: async (before) => {
        const { changes, next } = await here.history({ before, limit: CHANGES_A_PAGE });
        return { items: changes, next };
      },
      draw: () => this.#draw(),
    });
    onLanguage(() => this.#draw());
  }

  /** The section is shown. */
  open() {
    return this.#changes.open();
  }

  /** After an outage: loads what failed to load. */
  retry() {
    return this.#changes.retry();
  }

  clear() {
    this.#changes.clear();
    byId('history-list').replaceChildren();
  }

  #draw() {
    if (!this.#here.isSignedIn) return;
    let last = '';
    const rows = [];
    for (const change of this.#changes.items) {
      const date = day(change.at);
      if (date !== last) rows.push(make('li', 'day', date));
      last = date;
      rows.push(this.#row(change));
    }
    byId('history-list').replaceChildren(...rows);
    byId('history-empty').hidden = rows.length > 0;
  }

  #row(change) {
    const row = make('li', SESSION_ENDS.has(change.reason) ? 'change is-end' : 'change');
    row.dataset.status = change.status;
    row.dataset.reason = change.reason;
    const icon = make('span', 'change-icon');
    icon.append(shape(`shape-${change.status}`));
    const at = make('time', 'muted', time(change.at));
    at.dateTime = change.at;
    const text = make('div');
    text.append(make('p', '', this.#sentence(change)), make('p', 'muted', this.#circumstances(change)));
    row.append(at, icon, text);
    return row;
  }

  #sentence({ reason, status, player_status: ofPlayer, detail, remember }) {
    const { policy } = this.#here;
    const values = { away_after: inWords(policy.away_after), idle_timeout: inWords(policy.idle_timeout) };
    if (reason === 'idle' && detail.startsWith(OF_A_BREAK)) return say('history.brb');
    const isAsleep = reason === 'idle_timeout' && remember;
    const name = isAsleep ? 'history.idle_timeout_asleep' : `history.${reason}`;
    const offline = `${name}_offline`;
    const key = status === 'offline' && has(offline) ? offline : name;
    // Others see the best status of all browsers of the player.
    const elsewhere = `${key}_elsewhere`;
    if (ofPlayer !== status && has(elsewhere)) return say(elsewhere, values);
    return sayWord(key, values, detail);
  }

  #circumstances({ session_id: session, reason, last_activity_at: at, last_activity_by: by }) {
    const own = session === this.#here.session.id;
    const where = say(own ? 'history.this_device' : 'history.other_device');
    // An activity needs no further text.
    if (!at || reason === 'activity' || reason === 'signed_in') return where;
    const what = say(ACTIVITIES[by] ?? 'history.by_request');
    return `${where} · ${say('history.last_activity', { at: time(at), what })}`;
  }
}
