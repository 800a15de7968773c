"""The parser of frames parses in portions, as large as the limits allow.

Its results are tested in `test_websocket_conformance.py`.
"""

import pytest

from server.realtime.limits import Limits as RealtimeLimits
from server.transport.frames import TEXT, ServerFrames, frame, text_frame
from server.transport.limits import Limits
from tests.support.frames import client_frame

MESSAGE = client_frame(TEXT, b"hi")


class Heard:
    """Records the messages."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []

    def on_message(self, data: str | bytes) -> None:
        self.messages.append(data)

    def on_small_fragment(self, size: int) -> None:
        raise AssertionError("there is none")

    def on_ping(self, payload: bytes) -> None:
        raise AssertionError("there is none")

    def on_pong(self) -> None:
        raise AssertionError("there is none")

    def on_close(self, code: int, reason: str, payload: bytes) -> None:
        raise AssertionError(reason)

    def on_error(self, code: int, reason: str) -> None:
        raise AssertionError(reason)

    def write(self, data: bytes) -> None:
        raise AssertionError("nothing is sent")


def parser(limits: Limits) -> tuple[ServerFrames, Heard]:
    heard = Heard()
    return ServerFrames(heard, heard, 1000, limits), heard


@pytest.mark.parametrize("most", [1, 3, 10])
def test_a_portion_has_as_many_frames_as_the_limits_say(most: int) -> None:
    frames, heard = parser(Limits(frames_at_once=most))
    data = MESSAGE * 10
    at = frames.feed(data, 0)
    assert (at, len(heard.messages)) == (most * len(MESSAGE), most)
    while at < len(data):
        at = frames.feed(data, at)
    assert heard.messages == ["hi"] * 10


@pytest.mark.parametrize(("enough", "count"), [(0, 0), (-1, 0), (1, 1)])
def test_a_portion_ends_with_the_frame_that_exceeds_its_bytes(enough: int, count: int) -> None:
    frames, heard = parser(Limits(frames_at_once=16, bytes_at_once=3 * len(MESSAGE) + enough))
    frames.feed(MESSAGE * 10, 0)
    assert len(heard.messages) == 3 + count


def test_a_message_to_many_peers_is_one_frame_in_memory() -> None:
    class Peer(Heard):
        def __init__(self) -> None:
            super().__init__()
            self.sent: list[bytes] = []

        def write(self, data: bytes) -> None:
            self.sent.append(data)

    peers = [Peer() for _ in range(3)]
    texts = ["hello", "x" * 70_000, "hello again", "größer"]
    for text in texts:
        for peer in peers:
            ServerFrames(peer, peer, 1000, Limits()).send(text)
    first, *others = peers
    assert first.sent == [frame(TEXT, text.encode()) for text in texts]
    for peer in others:
        assert all(one is other for one, other in zip(first.sent, peer.sent, strict=True))


def test_messages_that_many_get_in_a_row_are_encoded_once() -> None:
    texts = [f"change {number}" for number in range(RealtimeLimits().waiting_changes)]
    first = [text_frame(text) for text in texts]
    assert all(text_frame(text) is frame for text, frame in zip(texts, first, strict=True))
