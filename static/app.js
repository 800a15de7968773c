// The page: shows views and sections, and passes events on to its parts.

import { linkTo, roomInAddress } from '/static/page/address.js';
import { Alerts } from '/static/page/alerts.js';
import { Devices } from '/static/page/devices.js';
import { byId, onPress, write } from '/static/page/elements.js';
import { Gate } from '/static/page/gate.js';
import { Games } from '/static/page/games.js';
import { OwnHistory } from '/static/page/history.js';
import { InRoom } from '/static/page/in-room.js';
import { LANGUAGES, language, onLanguage, preferred, say, speak } from '/static/page/language.js';
import { Lobby } from '/static/page/lobby.js';
import { Matches } from '/static/page/matches.js';
import { OwnCard } from '/static/page/own.js';
import { Play } from '/static/page/play.js';
import { attemptOnce, explain } from '/static/page/problems.js';
import { Quick } from '/static/page/quick.js';
import { RoomView } from '/static/page/room.js';
import { setTitle } from '/static/page/title.js';
import { WarningDialog } from '/static/page/warning.js';
import { StillHere, isOwnWish } from '/static/stillhere.js';

let isUnreachable = false;

// The request is sent while the texts are loading; its answer waits until the page can be drawn.
const here = new StillHere({ watch: ['lobby'] });
let showAnswer;
const starting = here.start({ after: new Promise((resolve) => { showAnswer = resolve; }) });

await speak(preferred()).catch(() => speak('en')).catch((error) => {
  // No language could be loaded.
  byId('loading-text').textContent = 'Still Here could not be loaded. Reload the page to try again.';
  document.body.classList.add('is-ready');
  here.close();
  throw error;
});

const gate = new Gate(here);
const lobby = new Lobby(here);
const devices = new Devices(here);
const ownHistory = new OwnHistory(here);
const own = new OwnCard(here, { onSignOut: signOut });
const alerts = new Alerts();
const games = new Games(here);
const quick = new Quick(here, games, alerts, { onRoom: goTo });
const play = new Play(here, games, new Matches(here), { onRoom: goTo });
const room = new RoomView(here, games, alerts, { onLeave: leaveRoom });
const inRoom = new InRoom(here, games);
const warning = new WarningDialog(here, alerts, { onTick: (clock) => own.showTimeLeft(clock) });

// Views

function show(view) {
  document.body.dataset.view = view;
  byId('loading').hidden = view !== 'loading';
  byId('invited').hidden = view !== 'sign-in' || !roomInAddress();
  byId('gate').hidden = view !== 'sign-in' && view !== 'signed-out';
  byId('lobby').hidden = view !== 'lobby';
  drawTitle();
}

function drawTitle() {
  setTitle('view', isIn('signed-out') ? say('signed_out.document') : null);
}

const isIn = (view) => document.body.dataset.view === view;

// Each section of the lobby has an address, so that "back" returns to the previous one.

const SECTIONS = { 'lobby-section': lobby, play, room, devices, history: ownHistory, settings: null };
const TITLES = {
  'lobby-section': 'lobby-title',
  play: 'play-title',
  room: 'room-title',
  devices: 'devices-title',
  history: 'history-title',
  settings: 'settings-title',
};

function section() {
  if (roomInAddress()) return 'room';
  const wanted = location.hash.slice(1);
  return wanted !== 'room' && Object.hasOwn(SECTIONS, wanted) ? wanted : 'lobby-section';
}

function goTo(id, { spectate = false } = {}) {
  if (spectate) room.watchOnly(id);
  location.hash = linkTo(id);
}

function leaveRoom(left, wasPlaying) {
  inRoom.left(left, wasPlaying ? games.get(left.info.game)?.policy.leave_grace : 0);
  location.hash = 'play';
}

function openSection({ hasFocus = true } = {}) {
  const open = section();
  const { open: before } = document.body.dataset;
  if (before !== open) SECTIONS[before]?.close?.();
  document.body.dataset.open = open;
  for (const name of Object.keys(SECTIONS)) byId(name).hidden = name !== open;
  const hasQuick = open === 'lobby-section' || open === 'play';
  byId('quick').hidden = !hasQuick;
  if (hasQuick) quick.open();
  inRoom.draw();
  const current = open === 'room' ? 'play' : open;
  for (const link of document.querySelectorAll('[data-section]')) {
    if (link.dataset.section === current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  SECTIONS[open]?.open(roomInAddress());
  if (hasFocus) byId(TITLES[open]).focus({ preventScroll: true });
}

window.addEventListener('hashchange', () => { if (isIn('lobby')) openSection(); });

// Signing in and out

here.on('signedIn', ({ player }) => {
  const isNew = !isIn('lobby');
  // Another tab may have signed in as another player.
  forgetOwn();
  show('lobby');
  gate.leave(player);
  inRoom.look();
  own.showError('');
  warning.draw();
  openSection({ hasFocus: isNew });
});

here.on('signedOut', (end) => {
  warning.draw();
  forgetOwn();
  if (isOwnWish(end.reason)) beginAnew();
  show('signed-out');
  gate.tell(end);
});

/** Removes what only the signed-in player may see. */
function forgetOwn() {
  for (const each of [lobby, devices, ownHistory, play, quick, room, inRoom]) each.clear();
}

/** After the player signed out: after an end by the server the section and the search stay. */
function beginAnew() {
  lobby.clearSearch();
  window.history.replaceState(null, '', location.pathname);
}

here.on('unreachable', () => {
  isUnreachable = true;
  drawLoading();
});

function drawLoading() {
  write(byId('loading-text'), say(isUnreachable ? 'loading.unreachable' : 'loading.looking'));
  byId('try-now').hidden = !isUnreachable;
}

here.on('connection', (state) => {
  drawConnection();
  const isStale = state === 'reconnecting';
  byId('lobby').classList.toggle('is-stale', isStale);
  byId('stale').hidden = !isStale;
  if (state !== 'open') return;
  SECTIONS[section()]?.retry();
  quick.retry();
});

function drawConnection() {
  const element = byId('connection');
  const { connection: state } = here;
  element.dataset.state = state;
  // Changes only the text: a server on this machine is reachable without a network.
  const hasNoNetwork = state === 'reconnecting' && !navigator.onLine;
  write(element, say(hasNoNetwork ? 'connection.no_network' : `connection.${state}`));
}

async function signOut() {
  own.showError('');
  await attemptOnce(byId('sign-out'), () => here.signOut(), (problem) => {
    own.showError(`${say('own.sign_out_failed')} ${explain(problem)}`);
  });
}

async function start() {
  drawLoading();
  showAnswer();
  if (await starting || !isIn('loading')) return;
  show('sign-in');
  gate.welcome();
}

// The language

const languages = byId('language');
languages.append(...Object.entries(LANGUAGES).map(([code, name]) => {
  const option = new Option(name, code);
  option.lang = code;
  return option;
}));
languages.value = language();
languages.addEventListener('change', async () => {
  await speak(languages.value, { isChoice: true }).catch(() => null);
  languages.value = language();
});
onLanguage(() => {
  drawTitle();
  drawLoading();
  drawConnection();
});

onPress(byId('try-now'), () => here.start());
document.body.classList.add('is-ready');
start();
