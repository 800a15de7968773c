"""A queue that serves places in turn, so that one with many items delays only its own."""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Items, each at a path: its networks, widest first. The networks at each level take turns:
    otherwise a client with many narrow ones would have as many turns as others together.

    >>> turns = Turns[str]()
    >>> for path, item in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")]:
    ...     turns.add((path,), item)
    >>> turns.drop_last_of_most(newest=("b",))
    'a3'
    >>> turns.take_next(), turns.take_next(), turns.take_next()
    ('a1', 'b1', 'a2')
    """

    __slots__ = ("_items", "_length", "_parts")

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        # By network, in the order of their turns.
        self._parts: OrderedDict[str, Turns[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, path: Sequence[str], item: T) -> None:
        """Add `item`; within its narrowest network it is the last."""
        self._length += 1
        if path:
            self._parts.setdefault(path[0], Turns()).add(path[1:], item)
        else:
            self._items.append(item)

    def take_next(self) -> T:
        """Remove and return the first item of the network whose turn it is. There must be one."""
        self._length -= 1
        if self._items:
            return self._items.popleft()
        network, part = self._parts.popitem(last=False)
        item = part.take_next()
        if part:
            self._parts[network] = part  # behind the others
        return item

    def drop_last_of_most(self, newest: Sequence[str]) -> T:
        """Remove and return the last item of the network that has the most: of the one at `newest`
        if no other has more than that. There must be an item."""
        self._length -= 1
        if self._items:
            return self._items.pop()
        most = max(map(len, self._parts.values()))
        # Of several, the newest or the one whose turn is last: that has waited least.
        order = [*newest[:1], *reversed(self._parts)]
        network = next(each for each in order if len(self._parts.get(each, ())) == most)
        part = self._parts[network]
        item = part.drop_last_of_most(newest[1:] if network in newest[:1] else ())
        if not part:
            del self._parts[network]
        return item

    def discard(self, path: Sequence[str], item: T) -> bool:
        """Remove `item`, which was added at `path`; return False if it is not there."""
        if path:
            part = self._parts.get(path[0])
            is_there = part is not None and part.discard(path[1:], item)
            if part is not None and not part:
                del self._parts[path[0]]
        else:
            is_there = item in self._items
            if is_there:
                self._items.remove(item)
        self._length -= is_there
        return is_there
