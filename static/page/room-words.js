// Events of rooms as sentences.

import { inWords } from '/static/page/durations.js';
import { namesOf, say } from '/static/page/language.js';

const NOTICES = {
  joined: 'notice.joined',
  left: 'notice.left',
  resigned: 'notice.resigned',
  out: 'notice.out',
  bot: 'notice.bot',
  skipped: 'notice.skipped',
};

/** Returns the text of a notice of the room. */
export function noticeOf({ notice, name = '' }) {
  const key = NOTICES[notice];
  return key === undefined ? `${name} ${notice}`.trim() : say(key, { name });
}

/** Returns who has won, for the player in seat `own`; null for a spectator. */
export function headlineOf({ winners, reason }, players, own) {
  if (reason === 'failed') return say('outcome.failed');
  if (reason === 'abandoned') return say('outcome.abandoned');
  if (winners.length === 0) return say('outcome.draw');
  const names = namesOf(winners.map((seat) => players.find((each, at) => (each.seat ?? at) === seat)?.name ?? '?'));
  if (!winners.includes(own)) {
    return say(own === null || own === undefined ? 'outcome.won' : 'outcome.lost', { names, count: winners.length });
  }
  return winners.length === 1 ? say('outcome.own') : say('outcome.shared', { names });
}

const WHY = {
  forfeit: ['outcome.forfeit', 'outcome.forfeit_own'],
  resigned: ['outcome.resigned', 'outcome.resigned_own'],
  claimed: ['outcome.claimed', 'outcome.claimed_own'],
};

/** Returns why a match ended, unless by the rules of the game; otherwise an empty text. */
export function whyOf({ reason, by, winners }, players, own) {
  if (reason === 'failed') return say('outcome.failed_why');
  if (reason === 'abandoned') return say('outcome.abandoned_why');
  if (reason === 'claimed' && winners.length === 0 && by !== undefined) {
    return by === own ? say('outcome.draw_own') : say('outcome.draw_claimed', { name: players[by]?.name ?? '?' });
  }
  if (WHY[reason] === undefined || by === undefined) return '';
  const [others, owns] = WHY[reason];
  return by === own ? say(owns) : say(others, { name: players[by]?.name ?? '?' });
}

const COSTS = {
  skip: 'cost.skip', forfeit: 'cost.forfeit', bot: 'cost.bot', spectate: 'cost.spectate',
};
const SILENCE = {
  skip: 'afk.skip', forfeit: 'afk.forfeit', bot: 'afk.bot', spectate: 'afk.spectate',
};

/** Returns what silence costs now, as the last part of a sentence. */
export function costOf({ silence, most_skips: most }, skipped = 0) {
  return say(silence === 'skip' && skipped >= most ? 'cost.forfeit' : COSTS[silence] ?? 'cost.forfeit');
}

/** Returns the AFK rules of a game, one sentence each. */
export function afkRules(policy) {
  const {
    move_time: move, silence, most_skips: most, may_claim: mayClaim, shown_after: shown,
    drop_grace: drop, leave_grace: leave, brb_budget: brb, brb_waits: waits, pulse_time: pulse,
  } = policy;
  const rules = [
    move === undefined ? say('afk.no_clock') : say('afk.clock', { move: inWords(move) }),
    say(SILENCE[silence] ?? 'afk.forfeit', { count: most }),
    say(mayClaim ? 'afk.claim' : 'afk.drop', { shown: inWords(shown), drop: inWords(drop) }),
    say('afk.leave', { leave: inWords(leave) }),
  ];
  if (brb > 0) rules.push(say(waits ? 'afk.brb_waits' : 'afk.brb', { brb: inWords(brb) }));
  rules.push(say('afk.pulse', { pulse: inWords(pulse) }), say('afk.watching'));
  return rules;
}
