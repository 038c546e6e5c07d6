"""Work on many videos at once, such that one that brings its decoder down, or to a stand, costs itself and no other."""

from __future__ import annotations

import faulthandler
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from types import TracebackType
from typing import TypeVar

import cv2

LONGEST = 900.0  # seconds a worker may take for one item; a decoder that hangs in C hears no polite word

In = TypeVar("In")
Out = TypeVar("Out")


class Workers:
    """A pool of `count` processes; with one, the work is done in this process and nothing guards it.

    Spawned, not forked: whoever runs this may hold threads (of torch, of a server) that a fork would break.
    """

    def __init__(self, count: int, longest: float = LONGEST) -> None:
        self._count = count
        self._longest = longest
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def map(self, work: Callable[[In], Out], items: Sequence[In], lost: Callable[[In], Out]) -> Iterator[Out]:
        """`work` of every item in order; `lost` of one whose worker died under it, or took longer than it may."""
        if self._count == 1:
            yield from map(work, items)
            return
        watched = partial(_watched, work, self._longest)
        results = self._open().map(watched, items)
        for done, _ in enumerate(items):
            try:
                result = next(results)
            except BrokenProcessPool:
                # Nobody knows which of the items under way it was: from here on they go one by one.
                self._close()
                yield from (self._alone(watched, item, lost) for item in items[done:])
                return
            yield result

    def _alone(self, work: Callable[[In], Out], item: In, lost: Callable[[In], Out]) -> Out:
        try:
            return self._open().submit(work, item).result()
        except BrokenProcessPool:
            self._close()
            return lost(item)

    def _open(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._count, mp_context=get_context("spawn"), initializer=_one_thread)
        return self._pool

    def _close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _watched(work: Callable[[In], Out], longest: float, item: In) -> Out:
    """End this process if `work` takes too long: the timer is a thread in C, which no hanging call can hold up."""
    faulthandler.dump_traceback_later(longest, exit=True)
    try:
        return work(item)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _one_thread() -> None:
    cv2.setNumThreads(1)
