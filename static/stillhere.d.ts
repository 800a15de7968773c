/**
 * Still Here in a page. Durations are seconds; instants (`…Since`, `expiresAt`, and `…_at` of rooms) are milliseconds
 * of `performance.now()`, never of the wall clock, unless they are strings.
 *
 * Names of the protocol are kept: the fields of `Player`, `Session` and `Policy` are as in
 * docs/protocol.md.
 */

import type { Line, Room, RoomList, Rooms } from './stillhere/rooms.js';

export type * from './stillhere/rooms.js';

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

/** `open`: the server has sent `hello`. `reconnecting`: lost, and it reconnects by itself. */
export type ConnectionState = 'closed' | 'connecting' | 'open' | 'reconnecting';

export interface Player {
  readonly id: string;
  readonly name: string;
  readonly guest: boolean;
  readonly status: Status;
}

export interface RosterPlayer extends Player {
  /** When an away player was last active; null for others. */
  readonly awaySince: number | null;
}

export interface Session {
  readonly id: string;
  readonly expires_in: number;
  readonly warns_in: number;
  readonly ends_in: number;
  readonly remember: boolean;
  /** Seconds left of a hold, if there is one. */
  readonly held_for?: number;
  /** True if that hold is a "be right back". */
  readonly held_away?: boolean;
}

export interface Policy {
  readonly away_after: number;
  readonly warn_before: number;
  readonly idle_timeout: number;
  readonly session_lifetime: number;
  readonly reload_grace: number;
  readonly reconnect_grace: number;
  /** How long `remember` lasts; known only to pages that were not signed in. */
  readonly remember_lifetime?: number;
}

export interface SessionView {
  readonly player: Player;
  readonly session: Session;
  readonly policy: Policy;
}

/** One of the player's sessions: a signed-in browser. */
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

/** A change of the player's status, and its reason. */
export interface Change {
  readonly status: Status;
  readonly player_status: Status;
  readonly reason: string;
  readonly at: string;
  readonly session_id: string;
  readonly detail: string;
  readonly last_activity_at: string | null;
  readonly last_activity_by: string | null;
  /** True for a remembered session, which an idle timeout does not end. */
  readonly remember: boolean;
}

/** A message of the protocol, as received. */
export interface Message {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface Warning {
  readonly reason: 'idle_timeout' | 'session_lifetime';
  /** Seconds until it happens. */
  readonly left: number;
}

/** The lobby. One object while signed in; the `roster` event reports changes. */
export interface Roster {
  readonly players: ReadonlyMap<string, RosterPlayer>;
  /** The number of players; in a large lobby more than in `players` until `loadRoster()`. */
  readonly total: number;
  readonly isComplete: boolean;
  readonly isLoading: boolean;
  /** No `roster` has arrived on this connection. */
  readonly isWaiting: boolean;
  /** There is no open connection, or nothing has arrived on it: the content may be outdated. */
  readonly isStale: boolean;
}

/** The argument of each event's listeners. */
export interface Events {
  /** This browser is signed in: by this page, by another tab, or before. */
  signedIn: SessionView;
  /**
   * The session has ended. `player`: who was signed in, if known. `isAsleep`: a remembered session
   * that timed out; `look()` continues it. `isOwn`: this page asked for the end, such as by
   * `signOut()`, and not another tab, another device, or the server.
   */
  signedOut: {
    readonly reason: EndReason;
    readonly detail: string;
    readonly player: Player | null;
    readonly isAsleep: boolean;
    readonly isOwn: boolean;
  };
  /** This session's own status has changed. */
  status: Status;
  /** The session is about to end; repeated to correct the time left. */
  warning: Warning;
  /** A warning is withdrawn, because of an activity in any tab. */
  extended: { readonly expiresIn: number };
  /** A hold was granted for so many seconds, or (0) is over. */
  held: { readonly seconds: number };
  roster: Roster;
  /** The list of rooms has changed. */
  rooms: RoomList;
  /** A room that this page is in has changed. */
  room: Room;
  /** One more line of chat, after `room`. */
  said: { readonly room: Room; readonly line: Line };
  /** The number of players who look for a match has changed; 0: this one no longer does, for
   * `reason`. */
  queued: { readonly game: string | null; readonly waiting: number; readonly reason: string | null };
  /** A room was found: `join` takes the seat, which is reserved until `expiresAt`. */
  matched: { readonly room: string; readonly game: string; readonly expiresAt: number };
  /** Another player asks whether this one is there; any input answers, until `expiresAt`. */
  pulse: { readonly room: string; readonly by: string; readonly expiresAt: number };
  /** This page is no longer in a room: it closed (`empty`, `idle`, `failed`, `no_such_room`), or
   * the player left it (`left`) in another tab. */
  roomClosed: { readonly room: string; readonly reason: string; readonly detail: string };
  /** Also fired, with the present state, when the browser gains or loses its network. */
  connection: ConnectionState;
  /** `start()` could not reach the server, and will retry. */
  unreachable: Problem;
  /** Every message of the server, after this module has handled it. */
  message: Message;
}

export interface Options {
  /** Topics to watch from the start, in an array or a set: `lobby`, the players who are here;
   * `rooms`, the public rooms. */
  watch?: Iterable<string> & object;
  /** The target whose input is activity; by default the window. `null`: only `active()` counts. */
  input?: EventTarget | null;
}

export declare class StillHere {
  constructor(options?: Options);

  /** The signed-in player, or null. */
  readonly player: Player | null;
  readonly session: Session | null;
  /** The server's durations; known once `start()` has an answer, signed in or not. */
  readonly policy: Policy | null;
  readonly connection: ConnectionState;
  readonly roster: Roster;
  readonly rooms: Rooms;
  readonly isSignedIn: boolean;
  /** The player's own status, as this page knows it: `reconnecting`, `warned` and a break are this
   * session's, otherwise it is the best of the player's sessions. */
  readonly status: Status | null;
  /** The standing warnings, the first to strike in front. */
  readonly warnings: Warning[];
  /** Seconds until the session ends if nothing is done; Infinity when not signed in. */
  readonly expiresIn: number;
  /** Seconds left of a hold; 0 without one. */
  readonly heldFor: number;
  /** True if the present hold is a "be right back". */
  readonly isAwayOnPurpose: boolean;

  /** Adds a listener; returns a function that removes it. */
  on<Name extends keyof Events>(event: Name, listener: (what: Events[Name]) => void): () => void;

  /**
   * Resolves to whether this browser is signed in; if so, connects. Retries until the server answers;
   * calling it again retries at once. `after`: effects of the answer wait for this promise, the
   * request does not.
   */
  start(options?: { after?: Promise<unknown> | null }): Promise<boolean>;
  /** Rejects with a Problem, as all calls do: `name_taken`, `invalid`, `too_many_attempts`, … */
  signInAsGuest(name: string): Promise<SessionView>;
  register(name: string, password: string): Promise<SessionView>;
  signIn(name: string, password: string, options?: { remember?: boolean }): Promise<SessionView>;

  /** "I'm still here": the answer to a warning. Input of the player does this by itself. */
  stay(): void;
  /** Reports an activity that is no event of this page; sent at most every few seconds. */
  active(): void;
  /** Stops the idle clock while the player is busy without input. `away`: "be right back". */
  hold(seconds: number, options?: { why?: string; away?: boolean }): void;
  release(): void;

  watch(topic: string): void;
  unwatch(topic: string): void;
  /** Loads the rest of a lobby that is too large to be listed at once. */
  loadRoster(): Promise<void>;
  /** Sends any other message; false if there is no connection. */
  send(message: { type: string; [field: string]: unknown }): boolean;

  /** Requests the state of the session, which does not count as activity; resolves to `isSignedIn`.
   * Rejects with a Problem if nobody is signed in and the server cannot be reached. */
  look(): Promise<boolean>;
  sessions(): Promise<OwnSession[]>;
  /** The player's changes, newest first. `before`: the `next` of the previous page. */
  history(options?: { before?: string | null; limit?: number }): Promise<{ changes: Change[]; next: string | null }>;
  /** Ends all other sessions of the player. Rejects with a Problem: `wrong_password`, `invalid`
   * with the `rule` that the new one breaks, `no_password` for a guest, `too_many_attempts`, … */
  changePassword(current: string, password: string): Promise<void>;
  signOut(): Promise<void>;
  signOutEverywhere(): Promise<void>;
  /** Signs out one of the player's sessions, by id. */
  signOutOne(id: string): Promise<void>;

  /** Removes connection, listeners and timers. The session goes on. */
  close(): void;
}

/** A refused call or (`status` 400) message, or (`status` 0) one without an answer. */
export declare class Problem extends Error {
  readonly status: number;
  /** A stable word: `name_taken`, `bad_credentials`, …; empty without an answer. */
  readonly code: string;
  /** A sentence in English. */
  readonly detail: string;
  /** All members of the problem document. */
  readonly details: { readonly [field: string]: unknown };
  /** Seconds to wait before trying again, if the server says so. */
  readonly retryAfter: number | null;
}

/** Reasons of the server's own close codes. */
export declare const CLOSE_REASONS: { readonly [code: number]: string };

/** True if a close code means that the session has ended. */
export declare function isEnd(code: number): boolean;

/** True if a session ended because its player wanted that, here or elsewhere. */
export declare function isOwnWish(reason: string): boolean;
