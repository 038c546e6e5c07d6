"""Trees from labels, for sources that have labels only, and the part of a tree that a caption or rationale states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from videmo.tasks.catalog import Part
from videmo.tree.model import LEVELS, AffectiveTree, Level, Pair
from videmo.tree.vocabulary import ASPECTS, EMOTIONS

Labels = Mapping[str, tuple[str, ...]]

# The corpora's words for an emotion; those not listed are the vocabulary's own.
_EMOTION_WORDS = {"angry": "anger", "disgusted": "disgust", "happy": "happiness", "sad": "sadness",
                  "surprised": "surprise"}  # fmt: skip
_INTENSITIES = ASPECTS["intensity"].items

# Facial action coding system (Ekman, Friesen, Hager 2002): what each unit does, in the words of the expression level.
_UNIT_PAIRS: dict[str, Pair] = {
    "AU1": Pair("brows", "inner raised"), "AU2": Pair("brows", "raised"), "AU4": Pair("brows", "lowered"),
    "AU6": Pair("cheeks", "raised"), "AU7": Pair("eyelids", "narrowed"), "AU10": Pair("upper lip", "raised"),
    "AU12": Pair("mouth corners", "raised"), "AU15": Pair("mouth corners", "lowered"),
    "AU23": Pair("lips", "pressed"), "AU24": Pair("lips", "pressed"), "AU25": Pair("lips", "parted"),
    "AU26": Pair("jaw", "dropped"),
}  # fmt: skip

_ACTIONS = ("body action", "face action", "head action")
_AT_REST = "relaxed"


def tree_from_labels(labels: Labels) -> AffectiveTree:
    """The tree that a clip's labels imply, as far as the vocabulary has words for them.

    Where labels contradict each other about an aspect that has one item, the aspect is left out: two action units that
    disagree about the lips, for example.
    """
    pairs = {*_emotion_pairs(labels), *_expression_pairs(labels), *_attribute_pairs(labels)}
    return tree_of(pair for pair in pairs if ASPECTS[pair.aspect].many or not _has_rival(pair, pairs))


def tree_of(pairs: Iterable[Pair]) -> AffectiveTree:
    """The tree of `pairs`, each on the level of its aspect. Every aspect must be in the vocabulary."""
    levels: dict[Level, list[Pair]] = {level: [] for level in LEVELS}
    for pair in pairs:
        levels[ASPECTS[pair.aspect].level].append(pair)
    return AffectiveTree(**{level: tuple(pairs) for level, pairs in levels.items()})


def stated_tree(part: Part, tree: AffectiveTree) -> AffectiveTree:
    """The part of the tree that an answer to `part` states.

    A caption about some aspects states those, a full caption states everything, a rationale what the emotion rests on.
    """
    if part.name == "rationale":
        return rationale_tree(tree)
    if not part.aspects:
        return tree
    return AffectiveTree(
        **{level: tuple(pair for pair in tree.level(level) if pair.aspect in part.aspects) for level in LEVELS}
    )


def stated_levels(part: Part) -> tuple[Level, ...]:
    """The levels that an answer to `part` has, and so its tags."""
    levels = {ASPECTS[aspect].level for aspect in part.aspects}
    return tuple(level for level in LEVELS if level in levels) or LEVELS


def rationale_tree(tree: AffectiveTree) -> AffectiveTree:
    """The part of the tree that bears on the emotion: the emotions, the expressions that are not at rest, the
    attributes that these rest on, and what the body, head and face do.
    """
    moved = tuple(pair for pair in tree.expression if pair.item != _AT_REST)
    grounds = {ASPECTS[pair.aspect].rests_on for pair in moved if pair.aspect in ASPECTS} | set(_ACTIONS)
    return AffectiveTree(tuple(pair for pair in tree.attribute if pair.aspect in grounds), moved, tree.emotion)


def emotion_word(label: str) -> str | None:
    """The vocabulary's word for a corpus's emotion label, or None if it has none.

    >>> emotion_word("strong disgusted")
    'disgust'
    """
    word = label.rpartition(" ")[2]
    word = _EMOTION_WORDS.get(word, word)
    return word if word in EMOTIONS else None


def _emotion_pairs(labels: Labels) -> Iterable[Pair]:
    for part in ("emotion_dfew", "emotion_mafw", "emotion_mer", "emotion_multi", "emotion_mead", "emotion_ravdess"):
        for label in labels.get(part, ()):
            if word := emotion_word(label):
                yield Pair("emotion", word)
            degree = label.partition(" ")[0]
            if degree in _INTENSITIES:
                yield Pair("intensity", degree)
    for label in (*labels.get("sentiment", ()), *labels.get("sentiment_fine", ())):
        yield Pair("sentiment", label.rpartition(" ")[2])
    for label in labels.get("conversation", ()):
        yield Pair("relation", label)


def _expression_pairs(labels: Labels) -> Iterable[Pair]:
    if "action_units" in labels:
        active = {_UNIT_PAIRS[unit] for unit in labels["action_units"]}
        yield from active
        for aspect in {pair.aspect for pair in _UNIT_PAIRS.values()} - {pair.aspect for pair in active}:
            yield Pair(aspect, _AT_REST)


def _attribute_pairs(labels: Labels) -> Iterable[Pair]:
    for label in labels.get("head_pose", ()):
        yield Pair("head pose", label)


def _has_rival(pair: Pair, pairs: set[Pair]) -> bool:
    return any(other.aspect == pair.aspect and other.item != pair.item for other in pairs)
