"""Events about a session, with defaults for fields that do not matter."""

from typing import Any, TypeVar

from server.presence.events import Event, SessionEnded, StatusChanged
from server.presence.session import Session
from server.presence.status import Reason, Status

EventT = TypeVar("EventT", bound=Event)

_OF_A_CHANGE = {
    "before": Status.OFFLINE,
    "after": Status.ACTIVE,
    "reason": Reason.IDLE,
    "last_activity": 0.0,
    "last_activity_by": "ping",
    "back_in": 0.0,
    "player_before": Status.OFFLINE,
    "player_after": Status.ACTIVE,
    "player_last_activity": 0.0,
}


def an_event(kind: type[EventT], session: Session, **fields: Any) -> EventT:
    """An event of this kind about `session`, at 0.0 unless `fields` say otherwise."""
    player = session.player
    told: dict[str, Any] = {"session_id": session.id, "player_id": player.id, "at": 0.0}
    if kind is StatusChanged:
        told |= {"name": player.name, "sort_key": player.sort_key, "guest": player.guest}
        told |= _OF_A_CHANGE
    elif kind is SessionEnded:
        told |= {"reason": Reason.SIGNED_OUT, "guest": player.guest, "is_last": True}
    return kind(**(told | fields))
