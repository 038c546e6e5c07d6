"""Source `folder`: a directory of videos and a CSV of labels beside them.

The CSV has a column `file`, paths relative to the directory; all others are optional, and an empty field was not
judged. `COLUMNS` says what the known ones mean. Besides, a column named after a part of face-15 (`emotion_mead`,
`action_units`) takes that part's answers, and one named after an aspect of the vocabulary (`nose_size`, `accessory`)
its items, several of either separated by `;`. Any other column is a note and is not read. A still is a clip too: its
one frame is repeated.

Instead of a CSV, `data.labels` may name a JSON file of conversations as in exchange.py; see messages.py.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from videmo.data.clip import Recording, Rejected, clip_id, is_there
from videmo.data.exchange import Item, read_items
from videmo.data.people import one_spelling
from videmo.data.sources import messages
from videmo.data.sources.label_columns import UnknownLabel, read_labels, unread_columns
from videmo.data.sources.label_table import Row, read_table
from videmo.settings.errors import SettingError
from videmo.settings.sources import FolderData

# fmt: off
VIDEOS = (".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv",
          ".ts", ".webm", ".wmv")
# fmt: on
STILLS = (".apng", ".avif", ".bmp", ".heic", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def recordings(config: FolderData, work: Path, workers: int = 1) -> Iterator[Recording | Rejected]:
    """Every row of the CSV and every video of the directory, once, as a recording or with the reason why it is none.

    Raises SettingError where the directory or the CSV as a whole cannot be used. Writes nothing to `work`.
    """
    directory = config.path
    if not directory.is_dir():
        raise SettingError(f"data.path = {directory}: no such directory; name the one that holds the videos")
    if config.labels.endswith((".json", ".jsonl")):
        yield from messages.recordings(_items(directory / config.labels), directory)
        return
    table = directory / config.labels
    rows = read_table(table)
    if unread := unread_columns(rows[0].values if rows else (), table):
        print(f"{table}: not read, as notes: {', '.join(unread)}")
    candidates = list(_candidates(directory))
    composed = {unicodedata.normalize("NFC", path): path for path in candidates}
    listed: set[str] = set()
    for row in rows:
        where, name = f"line {row.line} of {config.labels}", _located(row.values["file"], directory, composed)
        if name in listed:
            yield Rejected(name, f"duplicate in {config.labels}: line {row.line} repeats it")
            continue
        listed.add(name)
        yield _recording(directory, name, row, where)
    for path in candidates:
        if path not in listed:
            yield Rejected(path, f"not in {config.labels}")


def _located(name: str, directory: Path, composed: Mapping[str, str]) -> str:
    """The path below the directory that a row means; what names no file stays as it was written, for the quarantine.

    Windows writes backslashes, a script may write the whole path, and macOS writes accents apart: `composed` has the
    paths that are there by how they are written in one.
    """
    below = name.replace("\\", "/")
    for start in (directory.absolute(), directory.resolve()):
        below = below.removeprefix(f"{start}/")
    below = PurePosixPath(below).as_posix()
    found = below if is_there(directory / below) else composed.get(unicodedata.normalize("NFC", below), below)
    return found if name and is_there(directory / found) else name


def _items(path: Path) -> list[Item]:
    try:
        return read_items(path)
    except FileNotFoundError:
        raise SettingError(f"data.labels = {path.name}: no such file in {path.parent}; it lists the videos") from None


def _recording(directory: Path, name: str, row: Row, where: str) -> Recording | Rejected:
    pure = PurePosixPath(name)
    if not name:
        return Rejected(where, "no file named")
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name:
        return Rejected(name, f"{where}: path outside the directory")
    if not is_there(directory / name):
        return Rejected(name, f"{where}: no such file")
    if not row.whole:
        return Rejected(name, f"{where}: number of fields differs from the header")
    try:
        labels, tree = read_labels(row.values)
    except UnknownLabel as error:
        return Rejected(name, f"{where}: {error}")
    return Recording(clip_id(name), directory / name, one_spelling(row.values.get("person", "")), labels, tree)


def _candidates(directory: Path) -> Iterator[str]:
    for path in sorted(directory.rglob("*")):
        if path.suffix.lower() in VIDEOS + STILLS and path.is_file() and not path.name.startswith("."):
            yield path.relative_to(directory).as_posix()
