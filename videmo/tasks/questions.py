"""The words of face-15's questions, and the way from chosen answers to text and back.

Closed answers are written as in the answer space; several are comma-separated in its order, and nothing is "none".
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache

from videmo.tasks.catalog import Part
from videmo.tree.vocabulary import ASPECTS

NONE = "none"


def is_open(part: Part) -> bool:
    """Whether the part asks for one of several aspects of the tree, so that each question names its aspect."""
    return "{aspect}" in part.question


def has_one_answer(part: Part) -> bool:
    """Whether exactly one of several answers is right."""
    return bool(part.answers or is_open(part)) and not part.many


def ask(part: Part, aspect: str | None = None) -> str:
    """The question of a part; an open part asks for `aspect` (its only one by default).

    Raises ValueError where the aspect is missing or not the part's.
    """
    if not is_open(part):
        return part.question.format(answers=", ".join(part.answers))
    aspect = _chosen_aspect(part, aspect)
    return part.question.format(answers=", ".join(ASPECTS[aspect].items), aspect=aspect)


def aspect_of(part: Part, question: str) -> str | None:
    """The aspect that a question of an open part asks for, None for every other part.

    Raises ValueError on a question that `ask` does not make.
    """
    if not is_open(part):
        return None
    for aspect in part.aspects:
        if ask(part, aspect) in question:
            return aspect
    raise ValueError(f"{part.name}: {question!r} asks for none of its aspects: {', '.join(part.aspects)}")


def answer_space(part: Part, aspect: str | None = None) -> tuple[str, ...]:
    """The answers a question may have, in canonical order; empty where the answer is a tree."""
    return ASPECTS[_chosen_aspect(part, aspect)].items if is_open(part) else part.answers


def write_answer(chosen: Collection[str], part: Part, aspect: str | None = None) -> str:
    """The text of the chosen answers.

    Raises ValueError where an answer is outside the space, or a single choice has not exactly one.
    """
    space = answer_space(part, aspect)
    if unknown := sorted(set(chosen) - set(space)):
        raise ValueError(f"{part.name}: no such answer: {', '.join(unknown)}; there are {', '.join(space)}")
    if not part.many and len(set(chosen)) != 1:
        raise ValueError(f"{part.name}: a single choice has one answer, not {len(set(chosen))}: {sorted(chosen)}")
    return ", ".join(answer for answer in space if answer in chosen) or NONE


def read_answer(text: str, part: Part, aspect: str | None = None) -> tuple[str, ...] | None:
    """The answers that a text names, in the order of the space; () for "none", None where nothing can be read.

    Case, punctuation and words around the answers do not matter. Every answer named counts, also in a single choice:
    a text that names two there is wrong, so that naming all of them does not pay.
    """
    words = _plain(text)
    if words.partition(" ")[0] == NONE:
        return ()
    plain, pattern = _readings(answer_space(part, aspect))
    matches = set(pattern.findall(words)) if plain else set()
    if matches:
        return tuple(answer for answer, words in plain.items() if words in matches)
    return () if NONE in words.split() else None


def _chosen_aspect(part: Part, aspect: str | None) -> str:
    if aspect is None and len(part.aspects) == 1:
        return part.aspects[0]
    if aspect not in part.aspects:
        raise ValueError(f"{part.name}: aspect {aspect!r}: choose one of {', '.join(part.aspects)}")
    return aspect


def _plain(text: str) -> str:
    """Lower case, apostrophes dropped, other punctuation to single spaces, `AU 12` as `au12`."""
    words = " ".join(re.sub(r"[^\w]|_", " ", re.sub(r"['’]", "", text.casefold())).split())
    return re.sub(r"\bau (?=\d)", "au", words)


@lru_cache(maxsize=256)
def _readings(space: tuple[str, ...]) -> tuple[dict[str, str], re.Pattern[str]]:
    """The plain words of every answer, and a pattern that finds them."""
    plain = {answer: _plain(answer) for answer in space}
    # Longest first, so that an answer that begins another is not read in its place.
    longest_first = sorted(plain.values(), key=len, reverse=True)
    return plain, re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b")
