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
  /** There is no connection: this is who was here. */
  readonly isStale: boolean;
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
  /** Also told when the browser gains or loses its network, with the state as it was. */
  connection: ConnectionState;
  /** `start()` found nobody to ask, and will ask again. */
  unreachable: Problem;
  /** Every message of the server, after this module has dealt with it. */
  message: Message;
}

export interface Options {
  /** Topics to watch from the start, in an array or a set: `lobby` is who is here. */
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
   * once when called again.
   */
  start(): Promise<boolean>;
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
  signOut(): Promise<void>;
  signOutEverywhere(): Promise<void>;
  /** Signs out one of the own sessions, by its id. */
  signOutOne(id: string): Promise<void>;

  /** Lets go of the page: no connection, no listeners, no timers. The session lives on. */
  close(): void;
}

/** A call that was refused, or (`status` 0) that nobody answered. */
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
