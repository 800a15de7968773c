// The page: one session, one connection, and what they look like.

import { Activity } from '/static/activity.js';
import { Connection, pauseBefore } from '/static/connection.js';
import { Lobby } from '/static/lobby.js';
import { isSelfEvident, sentenceFor } from '/static/reasons.js';
import * as session from '/static/session.js';
import { SignInForm, rememberName } from '/static/sign-in.js';
import { Warning } from '/static/warning.js';

const STAY_AGAIN_AFTER = 1000;
const STAY_ANSWER_WITHIN = 3000;
const byId = (id) => document.getElementById(id);

let player = null; // {id, name, guest, status}, while in the lobby
let policy = null;
let stayedAt = -Infinity;
let stayTimer = 0;
let startAttempt = 0;

const lobby = new Lobby();

const warning = new Warning(
  {
    dialog: byId('warning'), title: byId('warning-title'), text: byId('warning-text'),
    span: byId('warning-span'), countdown: byId('countdown'), bar: byId('bar'),
    announcement: byId('announcement'), stay: byId('stay'), dismiss: byId('dismiss'),
  },
  { onStay: stay, onTick: (clock) => lobby.showTimeLeft(clock), onOverdue: lookAgain },
);

const connection = new Connection({ onMessage: receive, onState: showConnection, onEnded: leaveLobby });

const activity = new Activity({
  send: () => connection.ping(),
  stay,
  isWarned: () => warning.isIdleWarned,
  isAway: () => player?.status === 'away',
});

const signInForm = new SignInForm(
  { form: byId('sign-in'), error: byId('sign-in-error') },
  { onSignedIn: enterLobby },
);

// Views

function show(view) {
  document.body.dataset.view = view;
  byId('loading').hidden = view !== 'loading';
  byId('gate').hidden = view !== 'sign-in' && view !== 'signed-out';
  byId('welcome').hidden = view !== 'sign-in';
  byId('signed-out').hidden = view !== 'signed-out';
  byId('fair-warning').hidden = view !== 'sign-in'; // whoever was signed out knows by now
  byId('lobby').hidden = view !== 'lobby';
  document.title = view === 'signed-out' ? 'Signed out – Still Here' : 'Still Here';
}

const isIn = (view) => document.body.dataset.view === view;

function enterLobby(view) {
  const isNew = !isIn('lobby');
  show('lobby');
  warning.clear();
  see(view);
  activity.begin(policy);
  rememberName(player.name);
  if (isNew) byId('lobby-title').focus();
  connection.open();
}

function leaveLobby({ reason, detail }) {
  if (isIn('signed-out')) return; // told twice: by the answer and by the connection
  connection.close();
  clearTimeout(stayTimer);
  warning.clear();
  lobby.clear();
  byId('signed-out').dataset.reason = reason;
  byId('signed-out-reason').textContent = sentenceFor(reason, policy);
  byId('signed-out-detail').textContent = isSelfEvident(reason, policy) ? '' : detail;
  signInForm.prepare(player?.name);
  // Who leaves on purpose may leave a shared computer.
  if (reason === 'signed_out' || reason === 'signed_out_everywhere') rememberName('');
  player = null;
  show('signed-out');
  byId('signed-out-title').focus(); // so that it is read out, whatever had the focus before
}

// The session

async function start() {
  try {
    enterLobby(await session.look());
    startAttempt = 0;
  } catch (problem) {
    if (!(problem instanceof session.Problem)) throw problem;
    if (problem.status !== 401) {
      byId('loading-text').textContent = 'The server cannot be reached. Trying again…';
      setTimeout(start, pauseBefore(startAttempt));
      startAttempt += 1;
    } else if (problem.code === 'not_signed_in' || problem.code === '') {
      show('sign-in');
      signInForm.prepare();
      // On a touch screen the focus would pull up the keyboard before anything was read.
      if (matchMedia('(pointer: fine)').matches) signInForm.focus();
    } else {
      leaveLobby({ reason: problem.code, detail: problem.detail });
    }
  }
}

/** Asks the server, passively, what has become of the session while this page could not know. */
async function lookAgain() {
  await inLobby(session.look);
}

/** One call about the own session, whose answer the lobby shows. Returns whether it worked. */
async function inLobby(ask) {
  try {
    const view = await ask();
    if (view !== null && isIn('lobby')) see(view);
    return true;
  } catch (problem) {
    if (!(problem instanceof session.Problem)) throw problem;
    if (problem.status === 401 && isIn('lobby')) {
      leaveLobby({ reason: problem.code, detail: problem.detail });
    }
    return false;
  }
}

function see(view) {
  player = view.player;
  policy = view.policy;
  lobby.showOwn(player, policy);
  warning.correct(view.session, policy);
  showOwnStatus();
}

function stay() {
  // A click is noted here and answered by the button; one of them is enough.
  if (performance.now() - stayedAt < STAY_AGAIN_AFTER) return;
  stayedAt = performance.now();
  clearTimeout(stayTimer);
  const wait = connection.ping() ? STAY_ANSWER_WITHIN : 0;
  stayTimer = setTimeout(() => inLobby(session.stay), wait);
}

async function signOut(ask, reason) {
  lobby.showError('');
  if (await inLobby(ask)) leaveLobby({ reason, detail: '' });
  else if (isIn('lobby')) lobby.showError('Signing out did not work. Try again.');
}

// What the server says

function receive(message) {
  switch (message.type) {
    case 'hello':
      see(message);
      for (const warned of [message.warning ?? []].flat()) warning.warn(warned);
      lobby.wait();
      connection.watch('lobby');
      activity.settle();
      break;
    case 'warning':
      warning.warn(message);
      break;
    case 'extended':
    case 'pong': // the answer to our own ping says the same
      clearTimeout(stayTimer);
      stayedAt = -Infinity;
      warning.extended();
      if (player.status === 'away' || message.type === 'extended') player.status = 'active';
      break;
    case 'roster':
      lobby.replace(message);
      player.status = lobby.ownStatus ?? player.status;
      break;
    case 'presence':
      if (!lobby.apply(message)) connection.watch('lobby');
      player.status = lobby.ownStatus ?? player.status;
      break;
    case 'error':
      console.warn(`refused: ${message.re ?? ''} ${message.code} ${message.detail}`);
      break;
  }
  showOwnStatus();
}

function showOwnStatus() {
  if (player === null) return;
  // This session's own clock comes before what a second browser of the player may be doing.
  const known = warning.isIdleWarned ? 'warned' : player.status;
  lobby.showOwnStatus(connection.state === 'reconnecting' ? 'reconnecting' : known);
}

function showConnection(state) {
  lobby.showConnection(state);
  showOwnStatus();
}

// What happens to the page

activity.listen(window);
for (const [id, ask, reason] of [
  ['sign-out', session.signOut, 'signed_out'],
  ['sign-out-everywhere', session.signOutEverywhere, 'signed_out_everywhere'],
]) {
  const button = byId(id);
  button.addEventListener('click', () => signOut(ask, reason));
  // The warning's dialog gives the focus back: a key still held from "stay" must not sign out.
  button.addEventListener('keydown', (event) => event.repeat && event.preventDefault());
}

window.addEventListener('online', () => {
  showConnection(connection.state);
  connection.hurry();
});
window.addEventListener('offline', () => showConnection(connection.state));

window.addEventListener('pagehide', () => {
  if (!isIn('lobby')) return;
  session.leave();
  connection.close(); // also what allows a browser to keep the page for "back"
});
window.addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  if (isIn('lobby')) connection.open(); // which also tells if the session is over
  else if (isIn('loading')) start();
});
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState !== 'visible') return;
  warning.redraw();
  if (isIn('lobby')) lookAgain();
  else if (!isIn('loading')) comeBackIfSignedIn();
});

/** Another tab may have signed in meanwhile. */
async function comeBackIfSignedIn() {
  const view = await session.look().catch(() => null);
  if (view !== null && !isIn('lobby')) enterLobby(view);
}

start();
