// What the lobby says of the page's own player, who may have other tabs and browsers.

export class OwnInLobby {
  #here;
  #ask;
  #tell;
  #last = null; // the own status as last sent by the lobby

  /** ask(message): sends it; tell(event, what): calls listeners. */
  constructor({ here, ask, tell }) {
    this.#here = here;
    this.#ask = ask;
    this.#tell = tell;
  }

  /** Called after a sign-out. */
  clear() {
    this.#last = null;
  }

  /** Takes the player's own status from the lobby, which has changed. */
  changed() {
    const { player, roster, heldFor, isAwayOnPurpose } = this.#here;
    const own = roster.players.get(player.id)?.status;
    // Another tab may have said "be right back", or be back: ask the server.
    const hasChanged = own !== this.#last;
    this.#last = own;
    const isNewlyAway = own === 'away' && player.status !== 'away' && heldFor === 0;
    const isBack = own !== undefined && own !== 'away' && isAwayOnPurpose;
    if (hasChanged && (isNewlyAway || isBack)) this.#ask({ type: 'look' });
    // The player may be active in another browser: this one's break goes on.
    if (!isAwayOnPurpose) player.status = own ?? player.status;
    this.#tell('roster', roster);
  }
}
