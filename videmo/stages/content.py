"""Digests of content: of a value, a file, a directory with everything that its links lead to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from videmo.stages.remembered import Remembered


def digest_of(value: object) -> str:
    """16 hex digits of the canonical JSON of `value`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """sha256 of a file's content."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def path_digest(path: Path) -> str:
    """Digest of a file, or of the files below a directory by name and content.

    A file is read again only if its size or its time of change has changed, or after `forget_files`. Raises ValueError
    if a linked directory contains itself.
    """
    if path.is_file():
        digest = _remembered_digest(path)
    else:
        files = sorted(_files(path, (path.resolve(),)))
        digest = digest_of({file.relative_to(path).as_posix(): _remembered_digest(file) for file in files})
    _known_files().save()
    return digest


def forget_files() -> None:
    """Read every file outside the store again from now on: a copy may have kept size and time."""
    _known_files().forget()


def _files(directory: Path, around: tuple[Path, ...]) -> Iterator[Path]:
    """Every file below, through links too. `around` are the real directories from the first one to this one."""
    for path in directory.iterdir():
        if path.is_dir():
            real = path.resolve()
            if real in around:
                raise ValueError(f"{path}: links to {real}, which holds it; remove the link")
            yield from _files(path, (*around, real))
        elif path.is_file():
            yield path


def _remembered_digest(path: Path) -> str:
    status = path.stat()
    stamp = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
    digest = _known_files().get(stamp)
    if digest is None:
        digest = file_digest(path)
        _known_files().add(stamp, digest)
    return digest


def _known_files() -> Remembered:
    return Remembered.of("files")
