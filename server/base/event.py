"""The base class of events."""

import re

import msgspec


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class BaseEvent(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag=_snake_case):
    """Something that happened. Fields are ids, names, enums, numbers and texts, never a mutable
    object. In JSON its `type` is the class's name in snake case.

    `gc=False`: no event may hold anything that could refer back to it.
    """

    def brief(self) -> str:
        """Return the type and the ids, for the log: no names, and nothing that a player wrote."""
        ids = (
            f"{name}={getattr(self, name)}"
            for name in self.__struct_fields__
            if name.endswith("_id")
        )
        return f"{type(self).__name__}({', '.join(ids)})"
