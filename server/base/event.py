"""What every event is made of: values, which another process can read as well as this one."""

import re

import msgspec


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


class BaseEvent(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag=_snake_case):
    """Something that happened. Fields are ids, names, enums, numbers and texts; never an object
    that lives on and changes. As JSON its `type` is the class's name in snake case.

    `gc=False`: no event may hold anything that could refer back to it.
    """
