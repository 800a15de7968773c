// Events of the browser about the page: shown, closed, kept for "back", with or without a network.

import { ignoreProblem } from './calls.js';

/** Until `signal` aborts. here: StillHere; tell(event, what): calls its listeners. */
export function followPage({ here, socket, signIn, tell, signal }) {
  if (typeof document === 'undefined') return;

  function lookAgain() {
    if (signIn.isStarting) return;
    if (here.isSignedIn) here.look();
    else signIn.look({ isShownAgain: true }).catch(ignoreProblem);
  }

  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return;
    lookAgain();
    if (here.connection === 'reconnecting') socket.hurry();
  }, { signal });

  window.addEventListener('online', () => {
    tell('connection', here.connection);
    signIn.hurry();
    socket.hurry();
  }, { signal });

  window.addEventListener('offline', () => tell('connection', here.connection), { signal });

  window.addEventListener('pagehide', () => {
    if (!here.isSignedIn) return;
    // A closing page gets no more answers; browsers still deliver a beacon.
    navigator.sendBeacon('/api/session/leave');
    socket.close(); // also lets a browser keep the page for "back"
  }, { signal });

  window.addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    if (here.isSignedIn) socket.open(); // which also reports an ended session
    else lookAgain();
  }, { signal });
}
