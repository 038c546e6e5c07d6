"""Digests of content: of a value, a file, a directory."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from videmo.stages.store import home


def digest_of(value: Any) -> str:
    """16 hex digits of the canonical JSON of `value`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """sha256 of a file's content."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def directory_digest(directory: Path) -> str:
    """Digest of the files below `directory`, by name and content; a file is read again only when it has changed."""
    remembered_in = home() / "store" / ".file_digests.json"
    remembered = _read(remembered_in)
    found = {}
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        status = path.stat()
        stamp = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
        found[path.relative_to(directory).as_posix()] = stamp, remembered.get(stamp) or file_digest(path)
    if any(stamp not in remembered for stamp, _ in found.values()):
        with suppress(OSError):  # remembering saves time and nothing else
            _write(remembered_in, {**remembered, **dict(found.values())})
    return digest_of({name: digest for name, (_, digest) in found.items()})


def _read(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _write(path: Path, digests: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(json.dumps(digests), encoding="utf-8")
    os.replace(new, path)
