// Why a connection closed and why a session ended: the close codes' table, and its sentences.

import { inWords } from '/static/durations.js';

/** Close code -> reason, for the codes that end the session; the server's table is the same. */
export const END_REASONS = {
  4500: 'not_signed_in',
  4501: 'idle_timeout',
  4502: 'session_lifetime',
  4503: 'signed_out',
  4504: 'kicked',
  4505: 'replaced',
};

/** Whether coming back is pointless: the whole range is reserved for that, known code or not. */
export const isEnd = (code) => code >= 4500 && code <= 4599;

const SENTENCES = {
  idle_timeout: 'Nobody touched this page for {idle_timeout}, so your place was given up.',
  session_lifetime: 'Every session ends at some time, even a busy one.',
  signed_out: 'You signed out. See you soon.',
  signed_out_everywhere: 'You signed out everywhere. All your sessions have ended.',
  kicked: 'An operator asked you to leave.',
  replaced: 'You signed in elsewhere, and only so many sessions fit.',
  not_signed_in: 'This browser is no longer signed in.',
};

/** `policy` is the session's; null where that is not known any more. */
export function sentenceFor(reason, policy) {
  const sentence = SENTENCES[reason] ?? 'Your session has ended.';
  return sentence.replace('{idle_timeout}', policy ? inWords(policy.idle_timeout) : 'a while');
}

// The server's detail could only say the same again.
const SELF_EVIDENT = new Set(['signed_out', 'signed_out_everywhere', 'not_signed_in', 'kicked']);

export const isSelfEvident = (reason, policy) =>
  SELF_EVIDENT.has(reason) || (reason === 'idle_timeout' && policy !== null);
