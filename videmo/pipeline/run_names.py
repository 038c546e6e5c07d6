"""Names of runs: only one run at a time has a name."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from videmo.registry.tracking import check_tracking
from videmo.settings.errors import SettingError
from videmo.stages.store import home

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
LATEST = "latest"  # the link to the newest


def check_name(name: str | None) -> None:
    """Raise SettingError on a name that is not a plain word; None stands for the date and time."""
    if name is not None and (not NAME.fullmatch(name) or name == LATEST):
        raise SettingError(f"--name {name!r}: use up to 63 letters, digits, dots, dashes, and not the word latest")


def folder_of(name: str) -> Path:
    """The folder of an existing run. Raises SettingError if there is none of this name."""
    runs = home() / "runs"
    folder = runs / name
    if not NAME.fullmatch(name) or not (folder / "params.yaml").is_file():
        raise SettingError(f"{name}: no such run in {runs}")
    return folder.resolve()


def free_name() -> str:
    """The date and time, with a number where another run has that name."""
    return next(name for name in _candidates() if not (home() / "runs" / name).exists())


@contextmanager
def held_name(name: str | None) -> Iterator[str]:
    """Hold the name of a run, by default the date and time, until the block ends.

    Raises SettingError if a run with this name is going on, or if nothing can be written.
    """
    runs = home() / "runs"
    check_tracking()
    for candidate in [name] if name else _candidates():
        lock = FileLock(runs / f".{candidate}.lock", blocking=False)
        try:
            runs.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            continue
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingError(f"{runs}: cannot be written ({reason}); VIDEMO_HOME says where runs go") from error
        try:
            if name or not (runs / candidate).exists():
                yield candidate
                return
        finally:
            lock.release()
    raise SettingError(f"--name {name}: a run of this name is going on in {home()}; wait for it, or choose another")


def _candidates() -> Iterator[str]:
    name = time.strftime("%Y%m%d-%H%M%S")
    yield name
    yield from (f"{name}-{count}" for count in range(2, 1000))
