"""Conversations about videos in ms-swift's JSON, such as Emo-CFG's, read back into labels and trees.

The part of face-15 is the end of an item's `source` (`CelebV-HQ_QA_Gender`, `faces_head_pose`). Answers are read as
those of a model are. The format does not say who is seen, so clips are held out one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from videmo.data.annotation.trees import tree_from_labels
from videmo.data.clip import Recording, Rejected, clip_id, is_there
from videmo.data.exchange import Item
from videmo.tasks.catalog import PARTS, Part
from videmo.tasks.questions import aspect_of, is_open, read_answer
from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair
from videmo.tree.text import parse
from videmo.tree.vocabulary import ASPECTS


class _Unreadable(ValueError):
    """An item that teaches nothing; the message is the reason."""


def recordings(items: Iterable[Item], directory: Path) -> Iterator[Recording | Rejected]:
    """One recording for each video that the items speak of, in the order of first mention. A video with an item that
    cannot be read is set aside with the reason.
    """
    about: dict[str, list[Item]] = {}
    for item in items:
        about.setdefault(PurePosixPath(item.video).as_posix(), []).append(item)
    for video, said in about.items():
        if not is_there(directory / video):
            yield Rejected(video, "named by a conversation, and not there")
            continue
        try:
            labels, tree = read_conversations(said)
        except _Unreadable as error:
            yield Rejected(video, str(error))
            continue
        yield Recording(clip_id(video), directory / video, None, labels, tree)


def read_conversations(said: Iterable[Item]) -> tuple[dict[str, tuple[str, ...]], AffectiveTree]:
    """What the items about one video say of it. What they contradict each other in is left out of the tree."""
    labels: dict[str, tuple[str, ...]] = {}
    pairs: dict[Level, set[Pair]] = {level: set() for level in LEVELS}
    for item in said:
        part = part_of(item)
        if is_open(part):
            found = _open_pairs(part, item)
            for pair in found:
                pairs[ASPECTS[pair.aspect].level].add(pair)
            if part.many and not found:
                labels[part.name] = ()
        elif part.answers:
            labels[part.name] = _chosen(part, item)
        else:
            _add(_tree(part, item), pairs)
    _add(tree_from_labels(labels), pairs)
    return labels, AffectiveTree(**{level: tuple(_undisputed(held)) for level, held in pairs.items()})


def part_of(item: Item) -> Part:
    """The part whose name ends the item's source. Raises ValueError where none does."""
    source = item.source.casefold().replace(" ", "_").replace("-", "_")
    named = [name for name in PARTS if source == name or source.endswith("_" + name)]
    if not named:
        raise _Unreadable(f"source = {item.source!r} ends in no part of face-15, such as {', '.join(list(PARTS)[:3])}")
    return PARTS[max(named, key=len)]


def _open_pairs(part: Part, item: Item) -> list[Pair]:
    try:
        asked = aspect_of(part, item.question)
        aspects = (asked,) if asked else part.aspects
    except ValueError:  # other words than ours: whatever aspect of the part the answer has an item of
        aspects = part.aspects
    read = {aspect: read_answer(item.answer, part, aspect) for aspect in aspects}
    if not any(chosen is not None and (chosen or part.many) for chosen in read.values()):
        raise _Unreadable(f"{part.name}: the answer {item.answer!r} names nothing of {', '.join(part.aspects)}")
    return [
        Pair(aspect, answer)
        for aspect, chosen in read.items()
        if chosen and (len(chosen) == 1 or ASPECTS[aspect].many)
        for answer in chosen
    ]


def _chosen(part: Part, item: Item) -> tuple[str, ...]:
    chosen = read_answer(item.answer, part)
    if chosen is None or (len(chosen) != 1 and not part.many):
        raise _Unreadable(f"{part.name}: the answer {item.answer!r} is none of {', '.join(part.answers)}")
    return chosen


def _tree(part: Part, item: Item) -> AffectiveTree:
    parsed = parse(item.answer)
    if parsed.problems:
        first = parsed.problems[0]
        raise _Unreadable(f"{part.name}: the answer is no tree: {first.reason} at character {first.position}")
    return parsed.tree


def _add(tree: AffectiveTree, pairs: dict[Level, set[Pair]]) -> None:
    for level in LEVELS:
        pairs[level].update(tree.level(level))


def _undisputed(held: set[Pair]) -> Iterator[Pair]:
    for pair in held:
        single = pair.aspect in ASPECTS and not ASPECTS[pair.aspect].many
        if not single or not any(other.aspect == pair.aspect and other != pair for other in held):
            yield pair
