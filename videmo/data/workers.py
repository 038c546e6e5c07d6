"""Work on many videos at once, so that one that crashes or hangs its decoder costs itself and no other."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from threading import Thread
from types import TracebackType
from typing import TypeVar

import cv2
from pebble import ProcessExpired, ProcessPool

LONGEST = 900.0  # seconds a worker may take for one item

In = TypeVar("In")
Out = TypeVar("Out")


class Workers:
    """A pool of `count` processes; with one, the work is done in this process and nothing guards it.

    Spawned, not forked: whoever runs this may hold threads (of torch, of a server) that a fork would break.
    """

    def __init__(self, count: int, longest: float = LONGEST) -> None:
        self._longest = longest
        spawn = get_context("spawn")
        start = (os.getpid(),)
        self._pool = ProcessPool(count, initializer=_start, initargs=start, context=spawn) if count > 1 else None

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()

    def map(self, work: Callable[[In], Out], items: Sequence[In], lost: Callable[[In], Out]) -> Iterator[Out]:
        """`work` of every item in order; `lost` of one whose worker died, or took longer than it may and was killed."""
        if self._pool is None:
            yield from map(work, items)
            return
        results = [self._pool.schedule(work, args=[item], timeout=self._longest) for item in items]
        for item, result in zip(items, results, strict=True):
            try:
                value = result.result()
            except (ProcessExpired, TimeoutError):
                value = lost(item)
            yield value


def _start(parent: int) -> None:
    cv2.setNumThreads(1)
    Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process once its parent is gone, which may have been killed and could not say so."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
