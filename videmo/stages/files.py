"""Files that appear whole or not at all, and that stay on the disk."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Whole or not at all. What has no UTF-8, such as half a surrogate pair in an answer, becomes a question mark."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(text.encode("utf-8", "replace"))
    partial.replace(path)


def sync_tree(directory: Path) -> None:
    """Return once every file below `directory`, and every list of names, is on the disk."""
    for path in (*directory.rglob("*"), directory):
        sync(path)


def sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
