"""Samples: questions about clips with their answers, made from labels and trees; and the split into train and test."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from videmo.data.annotation.trees import stated_levels, stated_tree
from videmo.data.clip import Clip, Split
from videmo.data.people import people_groups
from videmo.tasks.catalog import PARTS, Part
from videmo.tasks.questions import ask, is_open, write_answer
from videmo.tree.model import LEVELS, Level
from videmo.tree.text import render


@dataclass(frozen=True)
class Sample:
    """One question about one clip, with its reference answer. `part` names the question set in tasks/catalog.py."""

    id: str
    clip: str
    part: str
    level: Level
    split: Split
    question: str
    answer: str


def make_samples(clip: Clip, rng: random.Random) -> tuple[Sample, ...]:
    """One sample for each part of face-15 that the clip's labels or tree can answer, in the catalogue's order.

    A part with several aspects asks about one of those that are known, drawn by `rng`.
    """
    return tuple(sample for part in PARTS.values() if (sample := _sample(clip, part, rng)))


def _sample(clip: Clip, part: Part, rng: random.Random) -> Sample | None:
    aspect, answer = None, None
    if is_open(part):
        aspect, answer = _open_answer(clip, part, rng)
    elif part.answers:
        answer = write_answer(clip.labels[part.name], part) if part.name in clip.labels else None
    else:
        answer = _caption(clip, part)
    if answer is None:
        return None
    return Sample(f"{clip.id}.{part.name}", clip.id, part.name, part.level, clip.split, ask(part, aspect), answer)


def _open_answer(clip: Clip, part: Part, rng: random.Random) -> tuple[str | None, str | None]:
    known = [aspect for aspect in part.aspects if _items(clip, aspect)]
    if known:
        aspect = rng.choice(known)
        return aspect, write_answer(_items(clip, aspect), part, aspect)
    if part.many and clip.labels.get(part.name) == ():  # somebody looked
        return part.aspects[0], write_answer((), part, part.aspects[0])
    return None, None


def _items(clip: Clip, aspect: str) -> tuple[str, ...]:
    return tuple(pair.item for level in LEVELS for pair in clip.tree.level(level) if pair.aspect == aspect)


def _caption(clip: Clip, part: Part) -> str | None:
    """The answer to a caption question, or None if the tree is empty on one of the levels that it is about."""
    levels, tree = stated_levels(part), stated_tree(part, clip.tree)
    # In a rationale every feature may be at rest: the clip needs a full tree, the rationale no pair on every level.
    required = tree if part.aspects else clip.tree
    return render(tree, levels) if all(required.level(level) for level in levels) else None


def assign_splits(people: Mapping[str, str | None], test_share: float, seed: int) -> dict[str, Split]:
    """The split of each clip, given who is seen in it: several names are joined by `+`, None is unknown.

    People who share clips stay together. Groups are drawn until `test_share` of the people is held out; each split gets
    at least one group unless the share is 1. Raises ValueError if all clips show one group of people.
    """
    if test_share == 1:
        return dict.fromkeys(people, "test")
    groups = people_groups(people)
    order = sorted(groups)
    random.Random(seed).shuffle(order)
    target = test_share * sum(len(who) for who, _ in groups.values())
    if len(order) < 2:
        raise ValueError(
            f"cannot hold out test clips: all {len(people)} show the same people; add clips of somebody else"
        )
    splits: dict[str, Split] = {}
    held_out = 0
    for i, name in enumerate(order):
        who, clips = groups[name]
        # Take a group if that brings the number of people closer to the target.
        test = i == 0 or (i < len(order) - 1 and held_out + len(who) / 2 <= target)
        held_out += len(who) if test else 0
        splits |= dict.fromkeys(clips, "test" if test else "train")
    return {clip: splits[clip] for clip in people}
