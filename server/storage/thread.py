"""A thread for blocking calls that does not keep the process from exiting."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_Call: TypeAlias = tuple["Future[Any]", Callable[[], Any]]


class DaemonThread(Executor):
    """An executor for `loop.run_in_executor`: one thread, which runs the calls in order.

    Unlike the threads of a `ThreadPoolExecutor` it is a daemon, so that a call that hangs on a disk
    does not keep the interpreter from exiting. It starts with the first call.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: Thread | None = None

    @property
    def is_running(self) -> bool:
        """True between the first call and `shutdown`."""
        return self._thread is not None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Queue a call. To be called only from the thread that created this executor."""
        future: Future[T] = Future()
        self._calls.put((future, lambda: fn(*args, **kwargs)))
        if self._thread is None:
            self._thread = Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        return future

    def shutdown(self, wait: bool = False, *, cancel_futures: bool = False) -> None:
        """End the thread after the queued calls. Does not wait by default."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._calls.put(None)
            if wait:
                thread.join()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = function()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            del call, future, function
