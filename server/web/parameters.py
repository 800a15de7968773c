"""Parameters of a query: each parses and describes itself."""

from enum import StrEnum
from typing import Any, Generic, TypeVar

from starlette.requests import Request

from server.base.text import excerpt
from server.web.problems import invalid

T = TypeVar("T")


class Parameter(Generic[T]):
    """An optional parameter of a query."""

    def __init__(self, name: str, about: str, schema: dict[str, Any]) -> None:
        """`schema`: the JSON Schema of valid values."""
        self.name = name
        self.about = about
        self.schema = schema

    def of(self, request: Request) -> T:
        """Return its value in `request`. Raises Problem (422)."""
        raise NotImplementedError


class WholeNumber(Parameter[int]):
    """A whole number from `least` to `most`."""

    def __init__(self, name: str, about: str, *, default: int, least: int, most: int) -> None:
        schema = {"type": "integer", "default": default, "minimum": least, "maximum": most}
        super().__init__(name, about, schema)
        self.default, self.least, self.most = default, least, most

    def of(self, request: Request) -> int:
        text = request.query_params.get(self.name)
        if text is None:
            return self.default
        # `int` accepts underscores, signs and the digits of all scripts.
        if not (text.isascii() and text.isdigit() and len(text) <= 19):
            raise invalid(f"`{self.name}` has to be a whole number, not {excerpt(text)!r}.")
        number = int(text)
        if not self.least <= number <= self.most:
            raise invalid(
                f"`{self.name}` has to be from {self.least} to {self.most}, not {number}."
            )
        return number


def page_size(usual: int, most: int) -> WholeNumber:
    """Return the parameter for the length of a page."""
    about = "How many there are on a page."
    return WholeNumber("limit", about, default=usual, least=1, most=most)


E_ = TypeVar("E_", bound=StrEnum)


class OneOf(Parameter[E_ | None]):
    """A word of an enumeration; None if missing or empty."""

    def __init__(self, name: str, about: str, words: type[E_]) -> None:
        super().__init__(name, about, {"type": "string", "enum": [*words, ""]})
        self._words = words

    def of(self, request: Request) -> E_ | None:
        text = request.query_params.get(self.name)
        if text is None or text == "":
            return None
        try:
            return self._words(text)
        except ValueError:
            words = ", ".join(self._words)
            raise invalid(
                f"`{self.name}` has to be one of {words}, not {excerpt(text)!r}."
            ) from None


class AnyText(Parameter[str]):
    """Any text; empty if missing."""

    def __init__(self, name: str, about: str) -> None:
        super().__init__(name, about, {"type": "string"})

    def of(self, request: Request) -> str:
        return request.query_params.get(self.name, "")
