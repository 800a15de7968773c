/**
 * Still Here in a page. Durations are seconds; instants (`…Since`) are milliseconds of
 * `performance.now()`, never of a clock that somebody can set.
 *
 * What the server calls things is kept as it is: the fields of `Player`, `Session` and `Policy` are
 * those of the protocol (docs/protocol.md).
 */

export type Status = 'active' | 'away' | 'warned' | 'reconnecting' | 'offline';

/** Why a session ended. */
export type EndReason =
  | 'signed_out'
  | 'signed_out_everywhere'
  | 'idle_timeout'
  | 'session_lifetime'
  | 'kicked'
  | 'replaced'
  | 'not_signed_in';

/** `open`: the server has said hello. `reconnecting`: lost, and it comes back by itself. */
export type ConnectionState = 'closed' | 'connecting' | 'open' | 'reconnecting';

export interface Player {
  readonly id: string;
  readonly name: string;
  readonly guest: boolean;
  readonly status: Status;
}

export interface RosterPlayer extends Player {
  /** When somebody who is away last did anything; null for everybody else. */
  readonly awaySince: number | null;
}

export interface Session {
  readonly id: string;
  readonly expires_in: number;
  readonly warns_in: number;
  readonly ends_in: number;
  readonly remember: boolean;
  /** Seconds left of a hold, where there is one. */
  readonly held_for?: number;
  /** True where that hold is a "be right back". */
  readonly held_away?: boolean;
}

export interface Policy {
  readonly away_after: number;
  readonly warn_before: number;
  readonly idle_timeout: number;
  readonly session_lifetime: number;
  readonly reload_grace: number;
  readonly reconnect_grace: number;
  /** How long `remember` lasts; told to pages on which nobody was signed in. */
  readonly remember_lifetime?: number;
}

export interface SessionView {
  readonly player: Player;
  readonly session: Session;
  readonly policy: Policy;
}

/** One of the own sessions: a signed-in browser. */
export interface OwnSession {
  readonly id: string;
  readonly status: Status;
  readonly created_at: string;
  readonly last_activity_at: string;
  readonly connections: number;
  readonly current: boolean;
  readonly remember: boolean;
  readonly expires_in: number;
  readonly ends_in: number;
  readonly browser: string | null;
  readonly system: string | null;
}

/** A change of the own status, and why it came. */
export interface Change {
  readonly status: Status;
  readonly player_status: Status;
  readonly reason: string;
  readonly at: string;
  readonly session_id: string;
  readonly detail: string;
  readonly last_activity_at: string | null;
  readonly last_activity_by: string | null;
  /** Whether that session was a remembered one, which an idle timeout does not end. */
  readonly remember: boolean;
}

/** A message of the protocol, as it came. */
export interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Warning {
  readonly reason: 'idle_timeout' | 'session_lifetime';
  /** Seconds until it happens. */
  readonly left: number;
}

/** Who is here. One object for as long as somebody is signed in; the `roster` event says when it changed. */
export interface Roster {
  readonly players: ReadonlyMap<string, RosterPlayer>;
  /** How many there are; of a large lobby more than `players` has until `loadRoster()`. */
  readonly total: number;
  readonly isComplete: boolean;
  readonly isLoading: boolean;
  /** No `roster` has come yet over this connection. */
  readonly isWaiting: boolean;
  /** Nothing has come over a connection that is open: this is who was here. */
  readonly isStale: boolean;
}

// Rooms and games: docs/rooms.md. Where that has seconds that are left (`move_in`), there is an
// instant of `performance.now()` here (`move_at`), in what a game shows as well.

/** What a game expects of those it waits for; seconds, but for the counts. */
export interface AfkPolicy {
  /** How long it waits for a player; absent: no limit. */
  readonly move_time?: number;
  readonly silence: 'skip' | 'forfeit' | 'bot' | 'spectate';
  readonly most_skips: number;
  readonly may_claim: boolean;
  readonly shown_after: number;
  readonly drop_grace: number;
  readonly leave_grace: number;
  readonly brb_budget: number;
  readonly brb_waits: boolean;
  readonly pulse_time: number;
}

export interface GameAbout {
  readonly name: string;
  /** How many seats a match may have. */
  readonly least: number;
  readonly most: number;
  readonly starts_when_full: boolean;
  readonly policy: AfkPolicy;
}

export type RoomState = 'open' | 'playing' | 'over';

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** A room as the list has it. */
export interface Listing {
  readonly id: string;
  readonly game: string;
  readonly state: RoomState;
  readonly host?: Named;
  readonly players: readonly Named[];
  /** Seats that nobody has. */
  readonly free: number;
  readonly spectators: number;
  readonly private: boolean;
}

/** The rooms that are not private; the `rooms` event says when it changed. Only for who watches `rooms`. */
export interface RoomList {
  /** The newest first. */
  readonly rooms: ReadonlyMap<string, Listing>;
  readonly total: number;
  /** No `rooms` has come yet over this connection. */
  readonly isWaiting: boolean;
  /** Nothing has come over a connection that is open: this is what there was. */
  readonly isStale: boolean;
}

/** A seat; without a `player` it is free. */
export interface Seat {
  readonly player?: { readonly id: string; readonly name: string; readonly guest: boolean };
  readonly status?: Status;
  readonly reserved_at?: number;
  readonly brb_left?: number;
  readonly back_at?: number;
  readonly move_at?: number;
  readonly absent?: { readonly left?: true; readonly claim_at?: number; readonly resigns_at?: number };
  readonly signs_out_at?: number;
  readonly asked?: { readonly by: string; readonly expires_at: number };
  readonly skipped?: number;
  readonly bot?: true;
  readonly gone?: true;
  /** They want the next match. */
  readonly wants_more?: true;
}

export interface Outcome {
  readonly winners: readonly number[];
  readonly reason: string;
  readonly scores?: readonly number[];
  readonly by?: number;
}

export interface Match {
  readonly id: string;
  readonly number: number;
  /** Who plays, or played, by seat. */
  readonly players: readonly Named[];
  readonly waits_for?: readonly number[];
  readonly outcome?: Outcome;
}

export interface RoomInfo {
  readonly id: string;
  readonly game: string;
  readonly private: boolean;
  readonly state: RoomState;
  readonly host?: string;
  readonly spectators: number;
  readonly seats: { readonly [seat: string]: Seat };
  readonly match?: Match;
  /** Enough are here, and the host waits for more: the first match begins then by itself. */
  readonly starts_at?: number;
  readonly closes_at?: number;
}

/** A line of chat: what a player said, or (`notice`) what happened to whom. */
export interface Line {
  readonly id: number;
  readonly at: string;
  readonly player?: Named;
  readonly text?: string;
  readonly notice?: string;
  readonly name?: string;
  readonly seat?: number;
}

/** What a game shows: JSON of its own, with instants for times. */
export interface View {
  readonly [field: string]: unknown;
}

/** Makes the next view of the one before and a diff, both with instants. */
export type Apply = (view: View, diff: View) => View;

/**
 * A room that this page is in. One object until it is left; the `room` event says when it changed.
 *
 * What is done in it resolves when the server says that it is done, and rejects with a
 * Problem: `status` 400 with the server's `code` and `detail` where it was refused, 0 where the
 * connection was lost first, so that nobody knows.
 */
export interface Room {
  readonly id: string;
  /** The own seat; null for a spectator. */
  readonly seat: number | null;
  /** The own seat, as `info.seats` has it. */
  readonly own: Seat | null;
  readonly info: RoomInfo;
  /** What the game shows to this player; null where there has been no match yet. */
  readonly view: View | null;
  /** The last 50 lines. */
  readonly chat: readonly Line[];
  /** Nothing has come over a connection that is open: this is how it was. */
  readonly isStale: boolean;
  act(action: unknown): Promise<null>;
  start(): Promise<null>;
  say(text: string): Promise<null>;
  claim(result: 'win' | 'draw'): Promise<null>;
  /** Asks the player in a seat whether they are there. */
  pulse(seat: number): Promise<null>;
  /** Be right back, from the own budget; 0: back. */
  brb(seconds: number): Promise<null>;
  /** This page is out of it at once; the server hears of it even if that takes a reconnect. */
  leave(): Promise<void>;
}

/** A finished match. */
export interface Played {
  readonly id: string;
  readonly room_id: string;
  readonly game: string;
  readonly started_at: string;
  readonly ended_at: string;
  readonly seconds: number;
  readonly players: readonly { readonly id: string; readonly name: string; readonly seat: number }[];
  readonly winners: readonly number[];
  readonly reason: string;
  readonly scores?: readonly number[];
  /** The seat whose doing the end was. */
  readonly by?: number;
  /** Of a match that was asked for by its id: how often its state changed, what its dice were made
   * of, and what was done in it. */
  readonly steps?: number;
  readonly seed?: string;
  readonly moves?: readonly Move[];
}

/** What somebody did in a match, or (`event`) what happened to them. */
export interface Move {
  /** How often the state had changed before. */
  readonly step: number;
  /** In seconds of the match. */
  readonly at: number;
  readonly seat: number;
  readonly action?: unknown;
  readonly event?: 'away' | 'back' | 'gone' | 'bot';
}

/** A place in the queue. `game`: null for any. */
export interface Queue {
  readonly game: string | null;
  /** How many look for the same, oneself included. */
  readonly waiting: number;
}

export interface Rooms {
  /** What there is to join; kept up to date for who watches `rooms`. */
  readonly list: RoomList;
  /** The rooms that this page is in, by their ids: joined again by itself after every reconnect. */
  readonly joined: ReadonlyMap<string, Room>;
  /** Where this player waits for others; asked for again after every reconnect. */
  readonly queue: Queue | null;
  /** Whether the player has said "be right back" in a room, and has not come back yet. */
  readonly isAwayOnPurpose: boolean;

  games(): Promise<GameAbout[]>;
  /** A new room, with a seat kept in it for who then joins. */
  create(options: { game: string; isPrivate?: boolean }): Promise<Listing>;
  /** One room, private or not. */
  find(id: string): Promise<Listing>;
  /** Finished matches, newest first; of oneself unless told. `after`: the `next` of the page before. */
  matches(options?: { player?: string | null; after?: string | null; limit?: number }): Promise<{ matches: Played[]; next: string | null }>;
  match(id: string): Promise<Played>;

  /**
   * Comes in: to one's own seat, to the one that is asked for, else to the first free one; with none
   * free, or if told, as a spectator. `apply`: how the game's own diffs are to be taken; without it
   * they are JSON merge patches. Waits for a connection.
   */
  join(id: string, options?: { seat?: number; spectate?: boolean; apply?: Apply }): Promise<Room>;
  /** Looks for others; `matched` tells of the room that was found. Null if that was at once. */
  quickMatch(options?: { game?: string | null }): Promise<Queue | null>;
  cancelQuickMatch(): Promise<void>;
}

/** What each event hands to its listeners. */
export interface Events {
  /** This browser is signed in: by this page, by another tab, or it was already. */
  signedIn: SessionView;
  /**
   * The session is over. `player`: who was signed in, where this page knew. `isAsleep`: a remembered
   * session that only timed out; `look()` goes on with it.
   */
  signedOut: {
    readonly reason: EndReason;
    readonly detail: string;
    readonly player: Player | null;
    readonly isAsleep: boolean;
  };
  /** This session's own status has changed. */
  status: Status;
  /** The session is about to end; told again where the clock has to be set right. */
  warning: Warning;
  /** A warning is withdrawn, because something was done in this tab or in any other. */
  extended: { readonly expiresIn: number };
  /** A hold was granted for so many seconds, or (0) is over. */
  held: { readonly seconds: number };
  roster: Roster;
  /** The list of rooms has changed. */
  rooms: RoomList;
  /** Something has changed in a room that this page is in. */
  room: Room;
  /** One more line of chat, after `room`. */
  said: { readonly room: Room; readonly line: Line };
  /** Others look for a match, or fewer; 0: no longer, and `reason` says why. */
  queued: { readonly game: string | null; readonly waiting: number; readonly reason: string | null };
  /** There is a room to play in: `join` takes the seat, which is kept until `expiresAt`. */
  matched: { readonly room: string; readonly game: string; readonly expiresAt: number };
  /** Somebody asks whether the player is there; any input answers by itself, until `expiresAt`. */
  pulse: { readonly room: string; readonly by: string; readonly expiresAt: number };
  /** This page is in a room no longer: it closed (`empty`, `idle`, `failed`, `no_such_room`), or the
   * player left it (`left`) in another tab. */
  roomClosed: { readonly room: string; readonly reason: string; readonly detail: string };
  /** Also told when the browser gains or loses its network, with the state as it was. */
  connection: ConnectionState;
  /** `start()` found nobody to ask, and will ask again. */
  unreachable: Problem;
  /** Every message of the server, after this module has dealt with it. */
  message: Message;
}

export interface Options {
  /** Topics to watch from the start, in an array or a set: `lobby` is who is here, `rooms` what
   * there is to join. */
  watch?: Iterable<string> & object;
  /** Whose input is activity; the window unless told. `null`: only what `active()` reports. */
  input?: EventTarget | null;
}

export declare class StillHere {
  constructor(options?: Options);

  /** Who is signed in, and null without. */
  readonly player: Player | null;
  readonly session: Session | null;
  /** What the server grants; known once `start()` has been answered, signed in or not. */
  readonly policy: Policy | null;
  readonly connection: ConnectionState;
  readonly roster: Roster;
  readonly rooms: Rooms;
  readonly isSignedIn: boolean;
  /** The own status, as this page knows it: `reconnecting`, `warned` and a break are this session's,
   * else it is the best of the player's browsers. */
  readonly status: Status | null;
  /** The warnings that stand, the one that strikes first in front. */
  readonly warnings: Warning[];
  /** Seconds until the session ends by itself if nothing is done; Infinity when not signed in. */
  readonly expiresIn: number;
  /** Seconds left of a hold; 0 without one. */
  readonly heldFor: number;
  /** Whether the hold that runs is a "be right back". */
  readonly isAwayOnPurpose: boolean;

  /** Returns a function that takes the listener away again. */
  on<Name extends keyof Events>(event: Name, listener: (what: Events[Name]) => void): () => void;

  /**
   * Whether this browser is signed in; if so, connects. Asks again until the server answers, and at
   * once when called again. `after`: what the answers bring about waits for this, the asking does not.
   */
  start(options?: { after?: Promise<unknown> | null }): Promise<boolean>;
  /** Rejects with a Problem, as do all calls: `name_taken`, `invalid`, `too_many_attempts`, … */
  signInAsGuest(name: string): Promise<SessionView>;
  register(name: string, password: string): Promise<SessionView>;
  signIn(name: string, password: string, options?: { remember?: boolean }): Promise<SessionView>;

  /** "I'm still here": the answer to a warning. Input of the player does this by itself. */
  stay(): void;
  /** Reports an activity that no event of this page shows; sent at most every few seconds. */
  active(): void;
  /** Stops the idle clock while the player is busy without input. `away`: be right back. */
  hold(seconds: number, options?: { why?: string; away?: boolean }): void;
  release(): void;

  watch(topic: string): void;
  unwatch(topic: string): void;
  /** Completes the roster of a lobby that is too large to be listed at once. */
  loadRoster(): Promise<void>;
  /** Any other message; false if there is no connection to send it by. */
  send(message: { type: string; [field: string]: unknown }): boolean;

  /** Looks anew at what the server knows, which is no activity; resolves to `isSignedIn`. Rejects
   * with a Problem where nobody is signed in and the server cannot be asked. */
  look(): Promise<boolean>;
  sessions(): Promise<OwnSession[]>;
  /** The own changes, newest first. `before`: the `next` of the page before. */
  history(options?: { before?: string | null; limit?: number }): Promise<{ changes: Change[]; next: string | null }>;
  /** All other own sessions end. Rejects with a Problem: `wrong_password`, `invalid` with the `rule`
   * that the new one breaks, `no_password` of a guest, `too_many_attempts`, … */
  changePassword(current: string, password: string): Promise<void>;
  signOut(): Promise<void>;
  signOutEverywhere(): Promise<void>;
  /** Signs out one of the own sessions, by its id. */
  signOutOne(id: string): Promise<void>;

  /** Lets go of the page: no connection, no listeners, no timers. The session lives on. */
  close(): void;
}

/** A call or (`status` 400) a message that was refused, or (`status` 0) that nobody answered. */
export declare class Problem extends Error {
  readonly status: number;
  /** A stable word: `name_taken`, `bad_credentials`, …; empty if nobody answered. */
  readonly code: string;
  /** A sentence in English. */
  readonly detail: string;
  /** All that the problem document says. */
  readonly details: { readonly [field: string]: unknown };
  /** Seconds to wait before trying again, where the server says so. */
  readonly retryAfter: number | null;
}

/** What the server's own close codes mean. */
export declare const CLOSE_REASONS: { readonly [code: number]: string };

/** Whether a close code says that coming back is pointless. */
export declare function isEnd(code: number): boolean;
