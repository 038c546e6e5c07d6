"""Source `folder`: a directory of videos and a CSV of labels beside them.

The CSV has a column `file`, paths relative to the directory; all others are optional, and an empty field was not
judged. `COLUMNS` says what the known ones mean. Besides, a column named after a part of face-15 (`emotion_mead`,
`action_units`) takes that part's answers, and one named after an aspect of the vocabulary (`nose_size`, `accessory`)
its items, several of either separated by `;`. Any other column is a note and is not read. A still is a clip too: its
one frame is repeated.

Instead of a CSV, `data.labels` may name a JSON file of conversations as in exchange.py; see messages.py.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import TypeVar

from videmo.data.annotation.trees import tree_from_labels, tree_of
from videmo.data.clip import Recording, Rejected, clip_id, is_there
from videmo.data.exchange import Item, read_items
from videmo.data.sources import messages
from videmo.settings.errors import SettingError
from videmo.settings.sources import FolderData
from videmo.tasks.catalog import PARTS
from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair
from videmo.tree.vocabulary import ASPECTS

# fmt: off
VIDEOS = (".3gp", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv",
          ".ts", ".webm", ".wmv")
# fmt: on
STILLS = (".apng", ".avif", ".bmp", ".heic", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class Meaning:
    """What a value of a column says: answers of parts, and pairs of the tree. Both empty: known, and no word for it."""

    labels: dict[str, str] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()


def _says(aspect: str = "", item: str = "", **labels: str) -> Meaning:
    return Meaning(labels, (Pair(aspect, item),) if aspect else ())


T = TypeVar("T")
_NOTHING = Meaning()

# Column -> value -> meaning. "dark" hair is black or brown, "left" a head turned by nobody knows how much: to write one
# of the vocabulary's items there would be to invent, so they are known values that say nothing.
# fmt: off
COLUMNS: dict[str, dict[str, Meaning]] = {
    "people": {"0": _NOTHING, "1": _says("people", "one"), "2": _says("people", "two")},
    "hair_color": {"dark": _NOTHING,
                   **{colour: _says("hair colour", colour) for colour in ASPECTS["hair colour"].items}},
    "eyeglasses": {"yes": _says("accessory", "eyeglasses"), "no": _NOTHING},
    "body_action": {"standing": _says("body action", "still"), "sitting": _says("body action", "still"),
                    "walking": _NOTHING, "signing with both hands": _NOTHING,
                    "touching the face with one hand": _NOTHING,
                    **{action: _says("body action", action) for action in ASPECTS["body action"].items}},
    "head_action": {"none": _says("head action", "still"),
                    **{action: _says("head action", action) for action in ASPECTS["head action"].items}},
    "head_pose": {"left": _NOTHING, "right": _NOTHING,
                  **{pose: _says(head_pose=pose) for pose in PARTS["head_pose"].answers}},
    "expression": {
        **{emotion: _says(emotion_mafw=emotion) for emotion in PARTS["emotion_mafw"].answers},
        **{basic: _says(emotion_dfew=basic, emotion_mer=basic, emotion_mafw=full) for basic, full in (
            ("happy", "happiness"), ("sad", "sadness"), ("neutral", "neutral"), ("angry", "anger"),
            ("surprise", "surprise"), ("disgust", "disgust"), ("fear", "fear"))},
    },
    "sentiment": {sentiment: _says(sentiment=sentiment) for sentiment in PARTS["sentiment"].answers},
}
# fmt: on
SEQUENCE = "expression_sequence"  # expressions in time order, separated by `>`
_ASPECT_COLUMNS = {aspect.replace(" ", "_") for aspect in ASPECTS}
_PART_COLUMNS = {name for name, part in PARTS.items() if part.answers}
KNOWN_COLUMNS = sorted({"file", "person", SEQUENCE, *COLUMNS, *_PART_COLUMNS, *_ASPECT_COLUMNS})
NEARLY = 0.85  # of difflib's ratio; `expresion` has 0.95, `hair` and `chair` 0.89


class _Unknown(ValueError):
    """A value that the table does not know; the message is the reason for the quarantine."""


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
    listed: set[str] = set()
    for number, row in _rows(directory / config.labels):
        name = _plain((row["file"] or "").strip(), directory)
        if name in listed:
            yield Rejected(name, f"duplicate in {config.labels}: line {number} repeats it")
            continue
        listed.add(name)
        yield _recording(directory, name, row, f"line {number} of {config.labels}")
    for path in _candidates(directory):
        if path not in listed:
            yield Rejected(path, f"not in {config.labels}")


def _plain(name: str, directory: Path) -> str:
    """`./a.mp4` is `a.mp4`; what names no file stays as it was written, for the quarantine."""
    plain = PurePosixPath(name).as_posix()
    return plain if name and is_there(directory / plain) else name


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows with their last lines. Raises SettingError where the CSV is missing, not UTF-8, not a CSV, or has
    columns whose labels would be lost.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            _check_columns([name.strip() for name in reader.fieldnames or ()], path)
            return [(reader.line_num, {(key or "").strip(): value for key, value in row.items()}) for row in reader]
    except FileNotFoundError:
        raise SettingError(f"data.labels = {path.name}: no such file in {path.parent}; it lists the videos") from None
    except UnicodeDecodeError as error:
        raise SettingError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except (csv.Error, OSError) as error:
        raise SettingError(f"{path}: not a readable CSV: {error}") from None


def _check_columns(columns: list[str], path: Path) -> None:
    """Refuse columns that would silently lose labels: no column `file`, a duplicate, a name that is almost right."""
    if "file" not in columns:
        hint = "; separate fields by commas" if len(columns) == 1 and {";", "\t"} & set(columns[0]) else ""
        raise SettingError(
            f"{path}: no column `file`, which names the videos; the columns are {', '.join(columns) or 'none'}{hint}"
        )
    for name in filter(None, columns):
        if columns.count(name) > 1:
            raise SettingError(f"{path}: duplicate column `{name}`; keep one")
        read = name in KNOWN_COLUMNS or _aspect(name) in ASPECTS
        near = () if read else get_close_matches(name.casefold(), KNOWN_COLUMNS, n=1, cutoff=NEARLY)
        if near:
            raise SettingError(
                f"{path}: unknown column `{name}`: did you mean `{near[0]}`? Give a column of notes another name"
            )


def _items(path: Path) -> list[Item]:
    try:
        return read_items(path)
    except FileNotFoundError:
        raise SettingError(f"data.labels = {path.name}: no such file in {path.parent}; it lists the videos") from None


def _recording(directory: Path, name: str, row: dict[str, str], where: str) -> Recording | Rejected:
    pure = PurePosixPath(name)
    if not name:
        return Rejected(where, "no file named")
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or "\0" in name:
        return Rejected(name, f"{where}: path outside the directory")
    if not is_there(directory / name):
        return Rejected(name, f"{where}: no such file")
    if None in row.values() or row.get(""):
        return Rejected(name, f"{where}: number of fields differs from the header")
    try:
        labels, tree = _read_labels(row)
    except _Unknown as error:
        return Rejected(name, f"{where}: {error}")
    person = row.get("person", "").strip() or None
    return Recording(clip_id(name), directory / name, person, labels, tree)


def _read_labels(row: dict[str, str]) -> tuple[dict[str, tuple[str, ...]], AffectiveTree]:
    labels: dict[str, tuple[str, ...]] = {}
    pairs: set[Pair] = set()
    for column, value in ((column, " ".join(value.casefold().split())) for column, value in row.items()):
        if not value:
            continue
        aspect = _aspect(column)
        if column in COLUMNS:
            meaning = _known(column, value, COLUMNS[column])
            labels |= {part: (answer,) for part, answer in meaning.labels.items()}
            pairs.update(meaning.pairs)
        elif column == SEQUENCE:
            sequence = [_known(column, step.strip(), COLUMNS["expression"]) for step in value.split(">")]
            words = [step.labels["emotion_mafw"] for step in sequence]
            labels["emotion_multi"] = tuple(word for word in PARTS["emotion_multi"].answers if word in words)
            pairs.add(Pair("course", course(words)))
        elif column in PARTS and PARTS[column].answers:
            labels[column] = _several(column, value, PARTS[column].answers, PARTS[column].many)
        elif aspect in ASPECTS:
            chosen = _several(column, value, ASPECTS[aspect].items, ASPECTS[aspect].many)
            pairs.update(Pair(aspect, item) for item in chosen)
    return labels, _joined(tree_of(pairs), tree_from_labels(labels))


def _aspect(column: str) -> str:
    return column.replace("_", " ").replace("color", "colour")


def course(sequence: list[str]) -> str:
    """How an expression runs, from what is seen in time order: neutral is the absence of one.

    >>> course(["neutral", "happiness"]), course(["neutral", "happiness", "neutral"]), course(["neutral"])
    ('growing', 'brief', 'steady')
    """
    if len(sequence) == 1:
        return "steady"
    if sequence[-1] != "neutral":
        return "growing"
    return "brief" if sequence[0] == "neutral" else "fading"


def _known(column: str, value: str, table: dict[str, T]) -> T:
    if value not in table:
        raise _Unknown(f"unknown label {column} = {value!r}; known are {', '.join(table)}")
    return table[value]


def _several(column: str, value: str, space: tuple[str, ...], many: bool) -> tuple[str, ...]:
    """The answers in the order of the space; "none" is none of them where several may apply."""
    if many and value == "none":
        return ()
    folded = {answer.casefold(): answer for answer in space}
    chosen = {_known(column, part.strip(), folded) for part in value.split(";")}
    if len(chosen) > 1 and not many:
        raise _Unknown(f"{column} = {value!r} has {len(chosen)} labels but takes one")
    return tuple(answer for answer in space if answer in chosen)


def _joined(first: AffectiveTree, second: AffectiveTree) -> AffectiveTree:
    """What the aspects' own columns say goes before what follows from the labels."""
    said: dict[Level, tuple[Pair, ...]] = {}
    for level in LEVELS:
        aspects = {pair.aspect for pair in first.level(level)}
        said[level] = (*first.level(level), *(pair for pair in second.level(level) if pair.aspect not in aspects))
    return AffectiveTree(**said)


def _candidates(directory: Path) -> Iterator[str]:
    for path in sorted(directory.rglob("*")):
        if path.suffix.lower() in VIDEOS + STILLS and path.is_file() and not path.name.startswith("."):
            yield path.relative_to(directory).as_posix()
