// What can go wrong between the page and the server, in the language of the page.

import { inWords } from '/static/page/durations.js';
import { write } from '/static/page/elements.js';
import { has, say } from '/static/page/language.js';
import { Problem } from '/static/stillhere.js';

/** Does what may end in a Problem, which `onProblem` is told of then. Resolves to success. */
export async function attempt(act, onProblem = () => {}) {
  try {
    await act();
    return true;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    onProblem(problem);
    return false;
  }
}

/** As `attempt`; `element` says what went wrong. A 401 is shown by the page as a whole. */
export function attemptIn(element, act) {
  write(element, '');
  return attempt(act, (problem) => {
    if (problem.status !== 401) write(element, explain(problem));
  });
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
