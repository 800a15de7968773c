// The rooms that are not private: what the server told, version by version.

/** As `here.rooms.list` shows it. Only a `rooms` message can start it. */
export class RoomList {
  rooms = new Map(); // id -> listing, the newest first
  total = 0;
  isStale = true;
  isWaiting = true;
  #version = 0;

  /** A new connection, or nobody watches: what comes before a `rooms` belongs to nothing known. */
  wait() {
    this.isWaiting = true;
  }

  clear() {
    this.rooms = new Map();
    this.total = 0;
    this.wait();
  }

  replace({ version, rooms, total }) {
    this.rooms = new Map(rooms.map((room) => [room.id, room]));
    this.total = total;
    this.#version = version;
    this.isWaiting = this.isStale = false;
  }

  /** Returns false if something was missed: then the caller has to ask for the list again. */
  apply({ version, opened = [], changed = [], closed = [], total }) {
    if (this.isWaiting) return true; // asked already
    if (version !== this.#version + 1) {
      this.isWaiting = true;
      return false;
    }
    this.#version = version;
    this.total = total;
    for (const id of closed) this.rooms.delete(id);
    for (const room of changed) if (this.rooms.has(room.id)) this.rooms.set(room.id, room);
    for (const room of opened) this.rooms.delete(room.id);
    const newest = opened.map((room) => [room.id, room]);
    if (newest.length > 0) this.rooms = new Map([...newest, ...this.rooms]);
    return true;
  }
}
