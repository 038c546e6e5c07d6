"""What a process and its children print, in a log."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def captured_output(log: Path, shown: bool = True) -> Iterator[None]:
    """Write everything that this process and its children print to `log`, and to the screen as well where `shown`.

    Done on the file descriptors, as libraries in C and torchrun's workers do not go through sys.stdout. An exception is
    written to the log and raised again.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    _flush()
    screen = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        tee = subprocess.Popen(["tee", "-i", "-a", str(log)], stdin=subprocess.PIPE) if shown else None
        target = tee.stdin if tee and tee.stdin else file
        for descriptor in (1, 2):
            os.dup2(target.fileno(), descriptor)
        target.close()
    try:
        yield
    except BaseException:
        with log.open("a", encoding="utf-8") as file_again:  # the caller prints it too, whole or in one line
            traceback.print_exc(file=file_again)
        raise
    finally:
        _flush()
        for descriptor, copy in zip((1, 2), screen, strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)
        # A process that outlives the block, such as multiprocessing's resource tracker, may hold tee's input open.
        with suppress(subprocess.TimeoutExpired):
            if tee:
                tee.wait(timeout=0.2)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
