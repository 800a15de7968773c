// Problems between page and server, in the language of the page.

import { inWords } from '/static/page/durations.js';
import { write } from '/static/page/elements.js';
import { has, say } from '/static/page/language.js';
import { Problem } from '/static/stillhere.js';

/**
 * Calls `act`, and `onProblem` if it rejects with a Problem. Resolves to success. A 401 ends the
 * session, which the page shows, so `onProblem` is not called; but if `isSigningIn`, it is the answer
 * to the form.
 */
export async function attempt(act, onProblem = () => {}, { isSigningIn = false } = {}) {
  try {
    await act();
    return true;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status !== 401 || isSigningIn) onProblem(problem);
    return false;
  }
}

/** Like `attempt`, but while the form or button is busy, as after a double click, it is ignored and null. */
export async function attemptOnce(busy, act, onProblem, options) {
  if (busy.hasAttribute('aria-busy')) return null;
  busy.setAttribute('aria-busy', 'true');
  try {
    return await attempt(act, onProblem, options);
  } finally {
    busy.removeAttribute('aria-busy');
  }
}

/** Like `attempt`, or with `busy` like `attemptOnce`; shows the problem in `element`. */
export function attemptIn(element, act, busy = null) {
  const begin = () => {
    write(element, '');
    return act();
  };
  const show = (problem) => write(element, explain(problem));
  return busy === null ? attempt(begin, show) : attemptOnce(busy, begin, show);
}

/** Returns the problem in words; the server's sentence if there is no translation. `name`: as
 * typed. */
export function explain({ status, code, detail, details, retryAfter }, name = '') {
  const keys = [`rule.${details.rule}`, `problem.${code}`, `refused.${code}`];
  if (status === 0 && code === '') keys.unshift('problem.unreachable');
  const key = keys.find(has);
  const text = key ? say(key, { ...details, name }) : detail || say('problem.other');
  if (retryAfter === null) return text;
  return `${text} ${say('problem.wait', { duration: inWords(Math.ceil(retryAfter)) })}`;
}
