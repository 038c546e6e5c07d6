"""What the columns of a table of labels say: answers to parts of face-15, and pairs of the tree."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from videmo.data.annotation.trees import emotion_word, tree_from_labels, tree_of
from videmo.settings.errors import SettingError
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import is_open
from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair
from videmo.tree.vocabulary import ASPECTS


@dataclass(frozen=True)
class Meaning:
    """What a value of a column says: answers of parts, and pairs of the tree. Both empty: known, and no word for it."""

    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pairs: tuple[Pair, ...] = ()


def _says(aspect: str = "", item: str = "", **labels: str) -> Meaning:
    return Meaning({part: (answer,) for part, answer in labels.items()}, (Pair(aspect, item),) if aspect else ())


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
# One emotion each, of one clip: two of them that differ contradict each other.
_EMOTION_PARTS = ("emotion_dfew", "emotion_mafw", "emotion_mer", "emotion_mead", "emotion_ravdess")
_OPEN_PARTS = {part.aspects[0]: name for name, part in PARTS.items() if is_open(part) and part.many}
_ASPECT_COLUMNS = {aspect.replace(" ", "_") for aspect in ASPECTS}
_PART_COLUMNS = {name for name, part in PARTS.items() if part.answers}
KNOWN_COLUMNS = sorted({"file", "person", SEQUENCE, *COLUMNS, *_PART_COLUMNS, *_ASPECT_COLUMNS})
NEARLY = 0.85  # of difflib's ratio; `expresion` has 0.95, `hair` and `chair` 0.89
NOT_JUDGED = ("", "-", "n/a", "na", "nan", "none", "null")  # "none" only where it is no value of the column


class UnknownLabel(ValueError):
    """A value that says nothing, or contradicts another; the message is the reason for the quarantine."""


def unread_columns(columns: Iterable[str], path: Path) -> list[str]:
    """The columns that are notes. Raises SettingError if a name is almost a known one: its labels would be lost."""
    unread = [name for name in columns if name not in KNOWN_COLUMNS and _aspect(name) not in ASPECTS]
    for name in unread:
        if near := get_close_matches(name, KNOWN_COLUMNS, n=1, cutoff=NEARLY):
            raise SettingError(
                f"{path}: unknown column `{name}`: did you mean `{near[0]}`? Give a column of notes another name"
            )
    return unread


def read_labels(row: Mapping[str, str]) -> tuple[dict[str, tuple[str, ...]], AffectiveTree]:
    """Labels by part, and the tree that they and the aspects' columns state. Raises UnknownLabel."""
    labels: dict[str, tuple[str, ...]] = {}
    pairs: list[Pair] = []
    heard: dict[str, tuple[object, str]] = {}  # topic -> what is said of it, and where
    for column, written in row.items():
        value = " ".join(unicodedata.normalize("NFC", written).casefold().split())
        meaning = _meaning(column, value)
        for topic, said in _topics(meaning):
            before, where = heard.setdefault(topic, (said, f"{column} = {value!r}"))
            if before != said:
                raise UnknownLabel(f"{where} and {column} = {value!r} contradict each other")
        labels |= meaning.labels
        pairs += meaning.pairs
    return labels, _joined(tree_of(dict.fromkeys(pairs)), tree_from_labels(labels))


def _meaning(column: str, value: str) -> Meaning:
    aspect = _aspect(column)
    if value in NOT_JUDGED and not (value == "none" and _has_none(column)):
        return _NOTHING
    if column in COLUMNS:
        return _known(column, value, COLUMNS[column])
    if column == SEQUENCE:
        sequence = [_known(column, step.strip(), COLUMNS["expression"]) for step in value.split(">")]
        words = [step.labels["emotion_mafw"][0] for step in sequence]
        several = tuple(word for word in PARTS["emotion_multi"].answers if word in words)
        return Meaning({"emotion_multi": several}, (Pair("course", course(words)),))
    if column in _PART_COLUMNS:
        return Meaning({column: _several(column, value, PARTS[column].answers, PARTS[column].many)})
    if aspect in ASPECTS:
        chosen = _several(column, value, ASPECTS[aspect].items, ASPECTS[aspect].many)
        looked = {_OPEN_PARTS[aspect]: ()} if not chosen and aspect in _OPEN_PARTS else {}
        return Meaning(dict(looked), tuple(Pair(aspect, item) for item in chosen))
    return _NOTHING


def _has_none(column: str) -> bool:
    """Whether "none" is a value of the column."""
    aspect = _aspect(column)
    many = (column in _PART_COLUMNS and PARTS[column].many) or (aspect in ASPECTS and ASPECTS[aspect].many)
    return "none" in COLUMNS[column] if column in COLUMNS else many


def _topics(meaning: Meaning) -> Iterator[tuple[str, object]]:
    """What a meaning is about and takes a stand on."""
    yield from meaning.labels.items()
    yield from ((pair.aspect, pair.item) for pair in meaning.pairs if not ASPECTS[pair.aspect].many)
    for part in _EMOTION_PARTS:
        for label in meaning.labels.get(part, ()):
            if word := emotion_word(label):
                yield "the emotion", word


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
        near = get_close_matches(value, table, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise UnknownLabel(f"unknown label {column} = {value!r}; {meant}known are {', '.join(table)}")
    return table[value]


def _several(column: str, value: str, space: tuple[str, ...], many: bool) -> tuple[str, ...]:
    """The answers in the order of the space; "none" is none of them where several may apply."""
    if many and value == "none":
        return ()
    folded = {answer.casefold(): answer for answer in space}
    chosen = {_known(column, part.strip(), folded) for part in value.split(";")}
    if len(chosen) > 1 and not many:
        raise UnknownLabel(f"{column} = {value!r} has {len(chosen)} labels but takes one")
    return tuple(answer for answer in space if answer in chosen)


def _joined(first: AffectiveTree, second: AffectiveTree) -> AffectiveTree:
    """What the aspects' own columns say goes before what follows from the labels."""
    said: dict[Level, tuple[Pair, ...]] = {}
    for level in LEVELS:
        aspects = {pair.aspect for pair in first.level(level)}
        said[level] = (*first.level(level), *(pair for pair in second.level(level) if pair.aspect not in aspects))
    return AffectiveTree(**said)
