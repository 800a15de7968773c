import type { Status } from '../stillhere.js';

// Rooms and games: docs/rooms.md. Its seconds left (`move_in`) are instants of `performance.now()`
// here (`move_at`), in the views of games too.

/** What a game expects of the players it waits for; seconds, except for the counts. */
export interface AfkPolicy {
  /** How long it waits for a player; absent without a limit. */
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
  /** The fewest seats of a match; `most` is the largest number. */
  readonly least: number;
  readonly most: number;
  readonly starts_when_full: boolean;
  /** The strengths of its bots, the weakest first; empty: it has none. */
  readonly levels: readonly Level[];
  /** One player may play it alone, for the score. */
  readonly plays_alone: boolean;
  readonly policy: AfkPolicy;
}

export type RoomState = 'open' | 'playing' | 'over';

/** How strong a bot is. */
export type Level = 'easy' | 'normal' | 'hard';

export interface Named {
  readonly id: string;
  readonly name: string;
  /** It is a bot, of this level. */
  readonly bot?: true;
  readonly level?: Level;
}

/** A room in the list. */
export interface Listing {
  readonly id: string;
  readonly game: string;
  readonly state: RoomState;
  readonly host?: Named;
  readonly players: readonly Named[];
  /** The number of free seats. */
  readonly free: number;
  readonly spectators: number;
  readonly private: boolean;
}

/** The public rooms; the `rooms` event reports changes. Only if the topic `rooms` is watched. */
export interface RoomList {
  /** Newest first. */
  readonly rooms: ReadonlyMap<string, Listing>;
  readonly total: number;
  /** No `rooms` has arrived on this connection. */
  readonly isWaiting: boolean;
  /** There is no open connection, or nothing has arrived on it: the content may be outdated. */
  readonly isStale: boolean;
}

/** A seat; free without a `player`. */
export interface Seat {
  readonly player?: { readonly id: string; readonly name: string; readonly guest: boolean; readonly bot?: true; readonly level?: Level };
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
  /** The player votes for the next match. */
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
  /** The players of the match, by seat. */
  readonly players: readonly Named[];
  readonly waits_for?: readonly number[];
  /** Only bots play on, and the match's time runs faster than its countdowns. */
  readonly hurried?: true;
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
  /** Enough are here, and the host waits for more: when the first match begins by itself. */
  readonly starts_at?: number;
  readonly closes_at?: number;
}

/** A line of chat: what a player said, or (`notice`) what happened to a player. */
export interface Line {
  readonly id: number;
  readonly at: string;
  readonly player?: Named;
  readonly text?: string;
  readonly notice?: string;
  readonly name?: string;
  readonly seat?: number;
}

/** A game's view: JSON of its own, with instants for times. */
export interface View {
  readonly [field: string]: unknown;
}

/** Returns the next view from the previous one and a diff, both with instants. */
export type Apply = (view: View, diff: View) => View;

/**
 * A room that this page is in. One object until it is left; the `room` event reports changes.
 *
 * Actions resolve when the server has done them, and reject with a Problem: `status` 400 with the
 * server's `code` and `detail` if it refused, 0 if the connection was lost first and the outcome is
 * unknown.
 */
export interface Room {
  readonly id: string;
  /** The player's seat; null for a spectator. */
  readonly seat: number | null;
  /** The player's seat in `info.seats`. */
  readonly own: Seat | null;
  readonly info: RoomInfo;
  /** The game's view for this player; null before the first match. */
  readonly view: View | null;
  /** The latest 50 lines. */
  readonly chat: readonly Line[];
  /** There is no open connection, or nothing has arrived on it: the content may be outdated. */
  readonly isStale: boolean;
  act(action: unknown): Promise<null>;
  start(): Promise<null>;
  say(text: string): Promise<null>;
  claim(result: 'win' | 'draw'): Promise<null>;
  /** Asks the player in a seat whether they are there. */
  pulse(seat: number): Promise<null>;
  /** Be right back, from the player's budget; 0: back. */
  brb(seconds: number): Promise<null>;
  /** This page leaves at once; the server is notified even if that takes a reconnect. */
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
  /** The seat that caused the end. */
  readonly by?: number;
  /** Only if requested by id: how often the state changed, the seed of its random numbers, and all
   * moves. */
  readonly steps?: number;
  readonly seed?: string;
  readonly moves?: readonly Move[];
}

/** A player's action in a match, or (`event`) what happened to the player. */
export interface Move {
  /** How often the state had changed before. */
  readonly step: number;
  /** In seconds of match time. */
  readonly at: number;
  readonly seat: number;
  readonly action?: unknown;
  readonly event?: 'away' | 'back' | 'gone' | 'bot';
}

/** A place in the queue. `game`: null for any. */
export interface Queue {
  readonly game: string | null;
  /** The number of players who wait for the same, this one included. */
  readonly waiting: number;
}

export interface Rooms {
  /** The public rooms; updated if the topic `rooms` is watched. */
  readonly list: RoomList;
  /** The rooms that this page is in, by id; joined again after every reconnect. */
  readonly joined: ReadonlyMap<string, Room>;
  /** What this player waits for; requested again after every reconnect. */
  readonly queue: Queue | null;
  /** True if the player said "be right back" in a room and is not back. */
  readonly isAwayOnPurpose: boolean;

  games(): Promise<GameAbout[]>;
  /** Opens a room, with a seat reserved for a following `join`: with so many bots, by default of a
   * middle level, or to play alone. */
  create(options: { game: string; isPrivate?: boolean; bots?: number; level?: Level; isAlone?: boolean }): Promise<Listing>;
  /** Returns one room, private or not. */
  find(id: string): Promise<Listing>;
  /** Finished matches, newest first; the player's own by default. `after`: the `next` of the
   * previous page. */
  matches(options?: { player?: string | null; after?: string | null; limit?: number }): Promise<{ matches: Played[]; next: string | null }>;
  match(id: string): Promise<Played>;

  /**
   * Enters a room: takes the player's own seat, the requested one, or the first free one; as a
   * spectator if none is free or `spectate` is true. `apply`: applies the game's own diffs; the
   * default is a JSON merge patch. Waits for a connection.
   */
  join(id: string, options?: { seat?: number; spectate?: boolean; apply?: Apply }): Promise<Room>;
  /** Looks for other players; the `matched` event reports the room. Null if that was at once. */
  quickMatch(options?: { game?: string | null }): Promise<Queue | null>;
  cancelQuickMatch(): Promise<void>;
  /** Gives up the seat of a `matched`, in a room which this page has not entered. */
  decline(id: string): Promise<void>;
}
