// A game's page that uses all there is: never run, only looked at by the compiler.

import { CLOSE_REASONS, Problem, StillHere, isEnd, isOwnWish } from '../../static/stillhere.js';
import type {
  AfkPolicy,
  Apply,
  Change,
  ConnectionState,
  EndReason,
  Events,
  GameAbout,
  Level,
  Line,
  Listing,
  Match,
  Message,
  Move,
  Named,
  Options,
  Outcome,
  OwnSession,
  Played,
  Player,
  Policy,
  Queue,
  Room,
  RoomInfo,
  RoomList,
  RoomState,
  Rooms,
  Roster,
  RosterPlayer,
  Seat,
  Session,
  SessionView,
  Status,
  View,
  Warning,
} from '../../static/stillhere.js';

declare const page: HTMLElement;
declare function draw(...what: (string | number | boolean | null | undefined)[]): void;

// As the README has it

const here = new StillHere({ watch: ['lobby'] });
here.on('warning', ({ reason, left }) => draw(reason, left));
here.on('extended', ({ expiresIn }) => draw(expiresIn));
here.on('signedOut', ({ reason, detail, player, isAsleep, isOwn }) => draw(reason, detail, player?.name, isAsleep, isOwn));
here.on('roster', ({ players }) => draw([...players.values()].map((player) => player.name).join()));
if (!(await here.start({ after: document.fonts.ready }))) await here.signInAsGuest('Ada');
here.stay();

// What a page may be made with

const all: Options = { watch: new Set(['lobby']), input: page };
new StillHere(all);
new StillHere({ input: null });
new StillHere({ input: document });
const first: StillHere = new StillHere();
first.close();

// What is known

const player: Player | null = here.player;
draw(player?.id, player?.name, player?.guest, player?.status);
const session: Session | null = here.session;
draw(session?.id, session?.expires_in, session?.warns_in, session?.ends_in, session?.remember, session?.held_for, session?.held_away);
const policy: Policy | null = here.policy;
draw(policy?.away_after, policy?.warn_before, policy?.idle_timeout, policy?.session_lifetime);
draw(policy?.reload_grace, policy?.reconnect_grace, policy?.remember_lifetime);
const connection: ConnectionState = here.connection;
const status: Status | null = here.status;
const warnings: Warning[] = here.warnings;
draw(connection, status, warnings[0]?.left, here.isSignedIn, here.expiresIn, here.heldFor, here.isAwayOnPurpose);
const roster: Roster = here.roster;
draw(roster.total, roster.isComplete, roster.isLoading, roster.isWaiting, roster.isStale);
for (const [id, each] of roster.players) {
  const seen: RosterPlayer = each;
  draw(id, seen.awaySince === null ? 0 : performance.now() - seen.awaySince);
}

// Rooms and games

const rooms: Rooms = here.rooms;
const games: GameAbout[] = await rooms.games();
for (const { name, least, most, starts_when_full, policy, levels, plays_alone } of games) {
  draw(levels[0], plays_alone);
  const rules: AfkPolicy = policy;
  draw(name, least, most, starts_when_full, rules.move_time, rules.silence, rules.most_skips, rules.may_claim);
  draw(rules.shown_after, rules.drop_grace, rules.leave_grace, rules.brb_budget, rules.brb_waits, rules.pulse_time);
}
here.watch('rooms');
const list: RoomList = rooms.list;
draw(list.total, list.isWaiting, list.isStale, list.rooms.size);
const made: Listing = await rooms.create({ game: 'chess', isPrivate: true });
const level: Level = 'hard';
await rooms.create({ game: 'chess', bots: 1, level });
await rooms.create({ game: 'chess', isAlone: true });
const found: Listing = await rooms.find(made.id);
const host: Named | undefined = found.host;
const state: RoomState = found.state;
draw(found.game, host?.name, state, found.players[0]?.name, found.free, found.spectators, found.private);
const apply: Apply = (view, diff) => ({ ...view, ...diff });
const room: Room = await rooms.join(made.id, { seat: 1, apply });
await rooms.join(made.id, { spectate: true });
const info: RoomInfo = room.info;
draw(room.id, room.seat, room.own?.status, room.isStale, info.game, info.private, info.host, info.starts_at, info.closes_at, rooms.joined.size);
for (const [number, seat] of Object.entries(info.seats)) {
  const each: Seat = seat;
  draw(number, each.player?.name, each.player?.guest, each.status, each.reserved_at, each.brb_left, each.back_at);
  draw(each.move_at, each.absent?.claim_at, each.absent?.left, each.absent?.resigns_at, each.signs_out_at);
  draw(each.asked?.by, each.asked?.expires_at, each.skipped, each.bot, each.gone, each.wants_more);
}
const match: Match | undefined = info.match;
const outcome: Outcome | undefined = match?.outcome;
draw(match?.players[1]?.bot, match?.players[1]?.level, match?.hurried);
draw(match?.number, match?.players[0]?.name, match?.waits_for?.[0], outcome?.winners[0], outcome?.reason, outcome?.scores?.[0], outcome?.by);
const view: View | null = room.view;
draw(String(view?.['board']));
for (const line of room.chat) {
  const said: Line = line;
  draw(said.id, said.at, said.player?.name, said.text, said.notice, said.name, said.seat);
}
await room.start();
await room.act({ column: 3 });
await room.say('hello');
await room.pulse(0);
await room.brb(60);
await room.claim('draw');
await room.leave();
const queue: Queue | null = await rooms.quickMatch({ game: 'chess' });
await rooms.quickMatch();
draw(queue?.game, queue?.waiting, rooms.queue?.waiting, rooms.isAwayOnPurpose);
await rooms.cancelQuickMatch();
await rooms.decline(made.id);
const { matches, next: later } = await rooms.matches({ limit: 10 });
await rooms.matches({ player: 'ada', after: later });
const played: Played = await rooms.match(matches[0]?.id ?? '');
draw(played.room_id, played.game, played.started_at, played.ended_at, played.seconds, played.players[0]?.seat);
draw(played.winners[0], played.reason, played.scores?.[0], played.by, played.steps, played.seed);
const move: Move | undefined = played.moves?.[0];
draw(move?.step, move?.at, move?.seat, String(move?.action), move?.event);

// What it tells

here.on('rooms', ({ rooms }) => draw(rooms.size));
here.on('room', ({ info }) => draw(info.state));
here.on('said', ({ room, line }) => draw(room.id, line.text));
here.on('queued', ({ game, waiting, reason }) => draw(game, waiting, reason));
here.on('matched', ({ room, game, expiresAt }) => draw(room, game, expiresAt));
here.on('pulse', ({ room, by, expiresAt }) => draw(room, by, expiresAt));
here.on('roomClosed', ({ room, reason, detail }) => draw(room, reason, detail));
const listen = <Name extends keyof Events>(name: Name, hear: (what: Events[Name]) => void) => here.on(name, hear);
const off: () => void = listen('signedIn', (view) => draw(view.player.name, view.session.id, view.policy.idle_timeout));
off();
here.on('status', (is: Status) => draw(is));
here.on('held', ({ seconds }) => draw(seconds));
here.on('connection', (is: ConnectionState) => draw(is));
here.on('unreachable', (problem: Problem) => draw(problem.status));
here.on('message', (message: Message) => draw(message.type, String(message['anything'])));
here.on('signedOut', ({ reason }) => {
  const words: { [each in EndReason]: string } = {
    signed_out: '', signed_out_everywhere: '', idle_timeout: '', session_lifetime: '', kicked: '', replaced: '', not_signed_in: '',
  };
  draw(words[reason]);
});

// What it does

const views: SessionView[] = [
  await here.signInAsGuest('Ada'),
  await here.register('Ada', 'correct horse'),
  await here.signIn('Ada', 'correct horse'),
  await here.signIn('Ada', 'correct horse', { remember: true }),
];
draw(views.length);
here.active();
here.hold(60);
here.hold(60, { why: 'a cutscene' });
here.hold(300, { away: true });
here.release();
here.watch('lobby');
here.unwatch('lobby');
await here.loadRoster();
const isSent: boolean = here.send({ type: 'move', to: [1, 2] });
const isSignedIn: boolean = await here.look();
const sessions: OwnSession[] = await here.sessions();
for (const own of sessions) {
  draw(own.id, own.status, own.created_at, own.last_activity_at, own.connections, own.current);
  draw(own.remember, own.expires_in, own.ends_in, own.browser, own.system);
}
const { changes, next } = await here.history({ limit: 10 });
await here.history({ before: next });
await here.history();
const change: Change | undefined = changes[0];
draw(change?.status, change?.player_status, change?.reason, change?.at, change?.session_id, change?.detail);
draw(change?.last_activity_at, change?.last_activity_by, isSent, isSignedIn);
await here.changePassword('correct horse', 'battery staple');
await here.signOutOne(sessions[0]?.id ?? '');
await here.signOutEverywhere();
await here.signOut();

// What goes wrong

try {
  await here.signIn('Ada', 'wrong');
} catch (problem) {
  if (!(problem instanceof Problem)) throw problem;
  const error: Error = problem;
  draw(error.message, problem.status, problem.code, problem.detail, problem.retryAfter, String(problem.details['limit']));
}
const word: string | undefined = CLOSE_REASONS[4501];
draw(word, isEnd(4501), isOwnWish('kicked'));

// What must not be taken for right. An unused `@ts-expect-error` is an error itself.

// @ts-expect-error: no such event
here.on('signed_out', () => {});
// @ts-expect-error: no such field
here.on('warning', ({ seconds }) => draw(seconds));
// @ts-expect-error: what is known cannot be set from outside
here.player = null;
// @ts-expect-error
here.status = 'active';
// @ts-expect-error
here.roster.players.clear();
// @ts-expect-error: the state is the module's own
here.connection = 'open';
// @ts-expect-error: it may be nobody
draw(here.player.name);
// @ts-expect-error
here.policy.idle_timeout;
// @ts-expect-error: no such option
new StillHere({ topics: ['lobby'] });
// @ts-expect-error: a list of topics; a word alone would be taken for its letters
new StillHere({ watch: 'lobby' });
// @ts-expect-error: a hold has a length
here.hold();
// @ts-expect-error: in seconds, as a number
here.hold('60');
// @ts-expect-error: a message has a type
here.send({ to: 1 });
// @ts-expect-error: a guest has no password
await here.signInAsGuest('Ada', 'correct horse');
// @ts-expect-error: a registered player has one
await here.register('Ada');
// @ts-expect-error: an option, not an argument
await here.signIn('Ada', 'correct horse', true);
// @ts-expect-error: to be awaited
const isHere: boolean = here.start();
// @ts-expect-error: private
here.tell('status');
// @ts-expect-error: the table is not to be changed
CLOSE_REASONS[4501] = 'other';
// @ts-expect-error: only the module makes a roster
new Roster();
// @ts-expect-error: one claims a win or a draw
await room.claim('loss');
// @ts-expect-error: one is a spectator, perhaps
const own: number = room.seat;
// @ts-expect-error: only the server seats anybody
room.info.seats['0'] = {};
// @ts-expect-error: a room is of a game
await rooms.create({ isPrivate: true });
