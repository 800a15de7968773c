// What can go wrong between the page and the server, in the language of the page.

import { inWords } from '/static/page/durations.js';
import { write } from '/static/page/elements.js';
import { has, say } from '/static/page/language.js';
import { Problem } from '/static/stillhere.js';

/**
 * Does what may end in a Problem, which `onProblem` is told of then. Resolves to success. A 401 ends
 * the session, which the page as a whole shows, so `onProblem` is not told of it; but where nobody
 * is signed in yet, `isSigningIn`, it is the answer to the form.
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

/** As `attempt`; `element` says what went wrong. */
export function attemptIn(element, act) {
  write(element, '');
  return attempt(act, (problem) => write(element, explain(problem)));
}

/** What went wrong; the server's own sentence where there is no other. `name`: what was typed. */
export function explain({ status, code, detail, details, retryAfter }, name = '') {
  const keys = [`rule.${details.rule}`, `problem.${code}`, `refused.${code}`];
  if (status === 0 && code === '') keys.unshift('problem.unreachable');
  const key = keys.find(has);
  const text = key ? say(key, { ...details, name }) : detail || say('problem.other');
  if (retryAfter === null) return text;
  return `${text} ${say('problem.wait', { duration: inWords(Math.ceil(retryAfter)) })}`;
}
