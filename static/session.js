// The session's calls over HTTP. The cookie is the browser's business: no code here ever sees it.

/** A refused call, with the fields of its problem details; `status` is 0 if nobody answered. */
export class Problem extends Error {
  constructor(status, { code = '', detail = '' } = {}, retryAfter = null) {
    super(detail || `status ${status}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfter = retryAfter; // seconds, or null
  }
}

async function call(method, path, body) {
  const request = { method, credentials: 'same-origin', cache: 'no-store', headers: {} };
  if (body !== undefined) {
    request.headers['Content-Type'] = 'application/json';
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new Problem(0);
  }
  if (response.ok) return response.status === 204 ? null : response.json();
  // A proxy in between may answer with a page of its own instead of problem details.
  const problem = await response.json().catch(() => ({}));
  const retryAfter = Number.parseFloat(response.headers.get('Retry-After'));
  throw new Problem(response.status, problem, Number.isFinite(retryAfter) ? retryAfter : null);
}

/** Passive: looking at one's session never keeps it alive. */
export const look = () => call('GET', '/api/session');
export const signInAsGuest = (name) => call('POST', '/api/guests', { name });
/** "I'm still here" for a page whose connection is gone. */
export const stay = () => call('POST', '/api/session/activity');
export const signOut = () => call('DELETE', '/api/session');
export const signOutEverywhere = () => call('DELETE', '/api/sessions');

/** A closing page can wait for no answer; a beacon is what browsers still deliver. */
export const leave = () => navigator.sendBeacon('/api/session/leave');
