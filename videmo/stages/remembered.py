"""A cache of what is costly to compute, in a file below the store; losing it costs only time."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from videmo.stages.store import home

MOST = 100_000  # entries; the oldest go first


class Remembered:
    """Texts by key. Read once in a process; written by `save`, where there is a store to write to."""

    def __init__(self, path: Path):
        self._path = path
        self._known = _read(path)
        self._new: dict[str, str] = {}

    @classmethod
    def of(cls, what: str) -> Remembered:
        """The cache of this home, one in a process."""
        return _opened(home() / "store" / f".{what}.json")

    def get(self, key: str) -> str | None:
        return self._known.get(key)

    def add(self, key: str, value: str) -> None:
        self._known[key] = self._new[key] = value

    def save(self) -> None:
        """Write new entries, and keep what other processes have written meanwhile."""
        if not self._new:
            return
        entries = list({**_read(self._path), **self._new}.items())[-MOST:]
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with suppress(OSError):
            new.write_text(json.dumps(dict(entries)), encoding="utf-8")
            os.replace(new, self._path)
        self._new = {}

    def forget(self) -> None:
        """Forget everything, so that it is computed again."""
        self._known, self._new = {}, {}
        self._path.unlink(missing_ok=True)


@cache
def _opened(path: Path) -> Remembered:
    return Remembered(path)


def _read(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
