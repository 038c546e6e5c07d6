"""Text files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Whole or not at all. What has no UTF-8, such as half a surrogate pair in an answer, becomes a question mark."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(text.encode("utf-8", "replace"))
    partial.replace(path)
