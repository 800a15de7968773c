// The public rooms.

import { Mirror } from './mirror.js';

/** `here.rooms.list`. */
export class RoomList extends Mirror {
  rooms = new Map(); // id -> listing, newest first
  total = 0;

  /** Called after a sign-out, or when the list is not watched. */
  clear() {
    this.rooms = new Map();
    this.total = 0;
    this.wait();
  }

  takeWhole({ rooms, total }) {
    this.rooms = new Map(rooms.map((room) => [room.id, room]));
    this.total = total;
  }

  takeChange({ opened = [], changed = [], closed = [], total }) {
    this.total = total;
    for (const id of closed) this.rooms.delete(id);
    for (const room of changed) if (this.rooms.has(room.id)) this.rooms.set(room.id, room);
    for (const room of opened) this.rooms.delete(room.id);
    const newest = opened.map((room) => [room.id, room]);
    if (newest.length > 0) this.rooms = new Map([...newest, ...this.rooms]);
    return true;
  }
}
