// Events of rooms as sentences.

import { inWords } from '/static/page/durations.js';
import { inDigits, namesOf, say, sayWord } from '/static/page/language.js';

/** Returns the text of a notice of the room. */
export function noticeOf({ notice, name = '' }) {
  return sayWord(`notice.${notice}`, { name }, `${name} ${notice}`.trim());
}

/** Returns who has won, for the player in seat `own`; null for a spectator. */
export function headlineOf({ winners, reason, scores }, players, own) {
  if (reason === 'failed') return say('outcome.failed');
  if (reason === 'abandoned') return say('outcome.abandoned');
  if (players.length === 1 && scores) return say('outcome.score', { score: inDigits(scores[0]) });
  if (winners.length === 0) return say('outcome.draw');
  const names = namesOf(winners.map((seat) => players.find((each, at) => (each.seat ?? at) === seat)?.name ?? '?'));
  if (!winners.includes(own)) {
    return say(own === null || own === undefined ? 'outcome.won' : 'outcome.lost', { names, count: winners.length });
  }
  return winners.length === 1 ? say('outcome.own') : say('outcome.shared', { names });
}

/** Returns why a match ended, unless by the rules of the game; otherwise an empty text. */
export function whyOf({ reason, by, winners }, players, own) {
  if (reason === 'failed' || reason === 'abandoned') return say(`why.${reason}`);
  if (by === undefined) return '';
  const word = reason === 'claimed' && winners.length === 0 ? 'draw' : reason;
  return sayWord(by === own ? `why.${word}_own` : `why.${word}`, { name: players[by]?.name ?? '?' }, '');
}

/** Returns what silence costs now, as the last part of a sentence. */
export function costOf({ silence, most_skips: most }, skipped = 0) {
  return sayWord(`cost.${silence === 'skip' && skipped >= most ? 'forfeit' : silence}`, {}, say('cost.forfeit'));
}

/** Returns the AFK rules of a game, one sentence each. */
export function afkRules(policy) {
  const {
    move_time: move, silence, most_skips: most, may_claim: mayClaim, shown_after: shown,
    drop_grace: drop, leave_grace: leave, brb_budget: brb, brb_waits: waits, pulse_time: pulse,
  } = policy;
  const rules = [
    move === undefined ? say('afk.no_clock') : say('afk.clock', { move: inWords(move) }),
    sayWord(`silence.${silence}`, { count: most }, say('silence.forfeit')),
    say(mayClaim ? 'afk.claim' : 'afk.drop', { shown: inWords(shown), drop: inWords(drop) }),
    say('afk.leave', { leave: inWords(leave) }),
  ];
  if (brb > 0) rules.push(say(waits ? 'afk.brb_waits' : 'afk.brb', { brb: inWords(brb) }));
  rules.push(say('afk.pulse', { pulse: inWords(pulse) }), say('afk.watching'));
  return rules;
}
