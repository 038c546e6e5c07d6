"""The text of an affective tree and back: three tagged segments, each a list of pairs or their sentences.

    <attribute>age: young; gender: male</attribute><expression>brows: raised</expression><emotion>...</emotion>

`parse` reads what `render` writes, sentences such as `The brows are raised.`, and whatever else a model may say: it
never raises, takes time linear in the length, and reports with its position what it could not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair

_TAG = re.compile(r"<(/?)(attribute|expression|emotion)>")
_STATEMENT_END = re.compile(r"[;\n]|\.(?=\s|$)")
_UNWRITABLE = re.compile(r"[:;,<>\n]|\.(?=\s|$)|^the\b|\b(?:is|are)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Problem:
    """Why a piece of text could not be read; `position` is its offset in characters."""

    position: int
    reason: str


@dataclass(frozen=True)
class Parsed:
    """What a text says. `levels` are those with a complete segment, in order of mention; any other level is empty.

    `repeats` counts pairs that were stated more than once; they stand once in the tree.
    """

    tree: AffectiveTree
    problems: tuple[Problem, ...] = ()
    levels: tuple[Level, ...] = ()
    repeats: int = 0


@dataclass
class _Reading:
    pairs: dict[Level, list[Pair]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def report(self, position: int, reason: str) -> None:
        self.problems.append(Problem(position, reason))


def render(tree: AffectiveTree, levels: tuple[Level, ...] = LEVELS) -> str:
    """The tree as tagged lists of pairs. Raises ValueError on a pair that the grammar cannot hold."""
    return _tagged(levels, {level: "; ".join(map(_pair, tree.level(level))) for level in levels})


def parse(text: str) -> Parsed:
    """Read a tree from any text. A level without a complete segment is empty; of a repeated level the first counts."""
    reading = _Reading()
    opened: tuple[Level, int] | None = None
    outside = 0
    for tag in _TAG.finditer(text):
        level: Level = tag[2]  # type: ignore[assignment]
        if not tag[1]:
            if opened:
                reading.report(opened[1], f"<{opened[0]}> is not closed")
            else:
                _report_outside(text, outside, tag.start(), reading)
            opened = (level, tag.end())
        elif opened and opened[0] == level:
            _read_segment(text, opened[1], tag.start(), level, reading)
            opened, outside = None, tag.end()
        else:
            reading.report(tag.start(), f"</{level}> closes nothing")
            opened, outside = None, tag.end()
    if opened:
        reading.report(opened[1], f"<{opened[0]}> is not closed")
    else:
        _report_outside(text, outside, len(text), reading)
    return _parsed(reading)


def _parsed(reading: _Reading) -> Parsed:
    tree = AffectiveTree(**{level: tuple(pairs) for level, pairs in reading.pairs.items()})
    stated = sum(map(len, reading.pairs.values()))
    return Parsed(tree, tuple(reading.problems), tuple(reading.pairs), stated - len(tree))


def _read_segment(text: str, start: int, end: int, level: Level, reading: _Reading) -> None:
    if level in reading.pairs:
        return reading.report(start, f"<{level}> appears again")
    if reading.pairs and LEVELS.index(level) < max(map(LEVELS.index, reading.pairs)):
        reading.report(start, f"<{level}> is out of order")
    reading.pairs[level] = []
    for position, statement in _statements(text, start, end):
        aspect, items = _aspect_and_items(statement)
        pairs = [Pair(aspect, item) for item in items if aspect and item]
        reading.pairs[level].extend(pairs)
        if len(pairs) < max(1, len(items)):
            reading.report(position, "neither `aspect: item` nor a sentence of one")
    return None


def _statements(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """The non-empty statements of a segment with their positions."""
    segment = text[start:end]
    ends = [(match.start(), match.end()) for match in _STATEMENT_END.finditer(segment)]
    begin = 0
    for stop, following in [*ends, (len(segment), len(segment))]:
        statement = segment[begin:stop].lstrip()
        if statement:
            yield start + stop - len(statement), statement.rstrip()
        begin = following


def _aspect_and_items(statement: str) -> tuple[str, list[str]]:
    """`aspect: item, item` or `The aspect is item`; no items where it is neither."""
    aspect, colon, items = statement.partition(":")
    if not colon:
        words = statement.split()
        verb = next((place for place, word in enumerate(words) if word.lower() in ("is", "are")), 0)
        first = 1 if words[0].lower() == "the" else 0
        aspect, items = " ".join(words[first:verb]), " ".join(words[verb + 1 :]) if verb else ""
    return _plain(aspect), [_plain(item) for item in items.split(",")] if items else []


def _plain(words: str) -> str:
    return " ".join(words.lower().split())


def _report_outside(text: str, start: int, end: int, reading: _Reading) -> None:
    if text[start:end].strip():
        reading.report(start, "text outside the three levels")


def _tagged(levels: tuple[Level, ...], segments: dict[Level, str]) -> str:
    return "".join(f"<{level}>{segments[level]}</{level}>" for level in levels)


def _pair(pair: Pair) -> str:
    _check(pair)
    return f"{pair.aspect}: {pair.item}"


def _check(pair: Pair) -> None:
    for words in (pair.aspect, pair.item):
        if not words.strip() or _UNWRITABLE.search(words):
            raise ValueError(f"{pair}: {words!r} cannot be written: leave out punctuation, `is` and a leading `the`")
