// HTTP calls. The browser adds the cookie, which scripts cannot read.

const CALL_ANSWER_WITHIN = 30_000; // ms; browsers wait for minutes

/** A refused call, with its problem details; `status` is 0 without an answer. */
export class Problem extends Error {
  constructor(status, said = {}, retryAfter = null) {
    // A proxy may have answered anything.
    const details = typeof said === 'object' && said !== null ? said : {};
    super(details.detail || `status ${status}`);
    this.name = 'Problem';
    this.status = status;
    this.code = typeof details.code === 'string' ? details.code : '';
    this.detail = details.detail ?? '';
    this.details = details;
    this.retryAfter = retryAfter; // seconds, or null
  }
}

/** Ignores a Problem, and rethrows any other error. */
export function ignoreProblem(problem) {
  if (!(problem instanceof Problem)) throw problem;
}

/** Returns the session view that a call answered with. Any other answer is not from the server. */
export function asView(answer) {
  if (!answer?.session?.id) throw new Problem(0);
  return answer;
}

/** The Problem of a call that needs a session, without one. */
export const notSignedIn = () => new Problem(401, { code: 'not_signed_in' });

/**
 * Makes a call. Rejects with a Problem. `query`: parameters, of which those that are null are left out; `isPassive`: it
 * does not count as activity.
 */
export async function call(method, path, { query = {}, body, isPassive = false } = {}) {
  const parameters = `${new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null))}`;
  const address = parameters === '' ? path : `${path}?${parameters}`;
  const signal = AbortSignal.timeout(CALL_ANSWER_WITHIN);
  const request = { method, credentials: 'same-origin', cache: 'no-store', headers: {}, signal };
  if (isPassive) request.headers.Passive = '1';
  if (body !== undefined) {
    request.headers['Content-Type'] = 'application/json';
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(address, request);
    if (response.ok) return response.status === 204 ? null : await response.json();
  } catch {
    throw new Problem(0);
  }
  // A proxy may answer with a page of its own instead of problem details.
  const details = await response.json().catch(() => ({}));
  const retryAfter = Number.parseFloat(response.headers.get('Retry-After'));
  throw new Problem(response.status, details, Number.isFinite(retryAfter) ? retryAfter : null);
}
