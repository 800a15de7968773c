// The address of a room in the page: a link for others.

const ROOM_LINK = /^#\/?room\/(.+)$/; // other clients may omit the slash

/** Returns the link to a room within the page. */
export function linkTo(id) {
  return `#/room/${encodeURIComponent(id)}`;
}

/** Returns the id of the room that the address of the page names; '' if it names none. */
export function roomInAddress() {
  const [, id = ''] = ROOM_LINK.exec(location.hash) ?? [];
  try {
    return decodeURIComponent(id);
  } catch {
    return ''; // an incomplete escape sequence
  }
}
