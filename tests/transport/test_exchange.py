"""An exchange buffers no more of a body than the limits allow. More in `test_http.py`."""

import pytest

from server.transport.exchange import Exchange
from server.transport.request import RequestHead


class FakeTransport:
    """A transport that records whether reading is paused."""

    def __init__(self) -> None:
        self.is_read = True

    async def writable(self) -> None:
        return

    def write(self, data: bytes) -> None:
        raise AssertionError("nothing is answered")

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def answered(self, exchange: Exchange) -> None:
        raise AssertionError("nothing is answered")

    failed = answered


class Failed(FakeTransport):
    """A transport that is told of a failure."""

    def failed(self, exchange: Exchange) -> None:
        pass


@pytest.mark.parametrize(("size", "is_read"), [(99, True), (100, True), (101, False)])
async def test_the_unread_part_of_a_body_is_bounded(size: int, is_read: bool) -> None:
    transport = FakeTransport()
    request = RequestHead(b"PUT", b"/", "1.1", [], keeps_alive=True, opens_websocket=False)
    exchange = Exchange(transport, request, [], expects_continue=False, most_unread=100)
    exchange.feed(bytes(50))
    assert transport.is_read
    exchange.feed(bytes(size - 50))
    assert transport.is_read == is_read
    assert (await exchange.receive())["body"] == bytes(size)
    assert transport.is_read, "the application has taken it"


@pytest.mark.parametrize("fails", [True, False])
async def test_a_path_cannot_forge_a_line_of_the_log(
    caplog: pytest.LogCaptureFixture, fails: bool
) -> None:
    request = RequestHead(b"GET", b"/", "1.1", [], keeps_alive=True, opens_websocket=False)
    exchange = Exchange(Failed(), request, [], expects_continue=False, most_unread=100)

    async def app(*_: object) -> None:
        if fails:
            raise ValueError

    await exchange.run(app, {"path": "/a\nERROR all is lost"})
    (record,) = caplog.records
    assert record.getMessage().endswith(r" at /a\nERROR all is lost")
