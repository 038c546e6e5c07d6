"""Trees told in sentences, as `parse` reads them beside lists of pairs."""

from __future__ import annotations

from videmo.tree.model import LEVELS, AffectiveTree, Pair

PLURAL = frozenset(("brows", "eyelids", "cheeks", "mouth corners", "lips", "people"))


def render_sentences(tree: AffectiveTree) -> str:
    return "".join(f"<{level}>{' '.join(map(_sentence, tree.level(level)))}</{level}>" for level in LEVELS)


def _sentence(pair: Pair) -> str:
    return f"The {pair.aspect} {'are' if pair.aspect in PLURAL else 'is'} {pair.item}."
