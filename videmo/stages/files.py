"""Files that appear whole or not at all, and that stay on the disk."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

UNFINISHED = ".partial"  # the suffix of files that are still being written


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, whoever reads or writes it meanwhile.

    In a text, what UTF-8 cannot encode, such as half a surrogate pair in an answer, becomes a question mark.
    """
    with whole_file(path) as partial:
        partial.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, whole or not at all."""
    write_whole(path, json.dumps(value, indent=1, ensure_ascii=False))


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes `path` when the body ends, and is removed if the body raises."""
    # A name for each writer: two that shared one would publish each other's half-written file.
    partial = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}{UNFINISHED}")
    partial.unlink(missing_ok=True)
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def remove_unfinished(directory: Path) -> None:
    """Remove the files below `directory` that a killed process was writing. Safe only while nobody writes."""
    for path in directory.rglob(f"*{UNFINISHED}"):
        if path.is_file():
            path.unlink()


def sync_tree(directory: Path) -> None:
    """Return once every file below `directory`, and every directory entry, is on the disk."""
    for path in (*directory.rglob("*"), directory):
        sync(path)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def link_or_copy(source: Path, target: Path) -> None:
    """Make a hard link to a file; a copy on another file system, or on one without hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
