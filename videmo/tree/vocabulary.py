"""The aspects a tree may speak of, the items each may take, and the part of the face that an aspect rests on.

The attribute level follows Fig. 6 of the paper; the expression level names what the face does in the words of its
action units; the emotion level carries the labels of the emotion corpora. Real captions use other words too: a tree may
hold any aspect and item, and this vocabulary is what the embedded data speaks and what the parser recognises surely.
"""

from __future__ import annotations

from dataclasses import dataclass

from videmo.tree.model import Level


@dataclass(frozen=True)
class Aspect:
    """One aspect: its level, the items it may take, and whether a clip may show several of them (`many`).

    `rests_on` is the aspect of the level above that this one hangs from in the tree; None hangs from the root.
    """

    name: str
    level: Level
    items: tuple[str, ...]
    many: bool = False
    rests_on: str | None = None


EMOTIONS = ("anger", "anxiety", "contempt", "disappointment", "disgust", "fear", "happiness", "helplessness", "neutral",
            "sadness", "surprise")  # fmt: skip
HEAD_POSES = ("front", "left 30", "left 60", "right 30", "right 60", "up", "down")

_ATTRIBUTE = (
    Aspect("eye colour", "attribute", ("blue", "brown", "green", "gray")),
    Aspect("eye size", "attribute", ("small", "large")),
    Aspect("eyebrow thickness", "attribute", ("thin", "thick")),
    Aspect("eyebrow angle", "attribute", ("arched", "flat", "slanted")),
    Aspect("nose size", "attribute", ("small", "large")),
    Aspect("nose width", "attribute", ("narrow", "wide")),
    Aspect("lip thickness", "attribute", ("thin", "full")),
    Aspect("lip colour", "attribute", ("pink", "red", "brown")),
    Aspect("hair colour", "attribute", ("black", "blond", "brown", "gray", "red")),
    Aspect("hair length", "attribute", ("bald", "short", "long")),
    Aspect("hair type", "attribute", ("straight", "wavy")),
    Aspect("chin shape", "attribute", ("pointed", "round", "square")),
    Aspect("face shape", "attribute", ("long", "oval", "round", "square")),
    Aspect("facial feature", "attribute", ("beard", "freckles", "goatee", "mole", "mustache", "scar"), many=True),
    Aspect("accessory", "attribute", ("earrings", "eyeglasses", "hat", "mask", "necktie", "sunglasses"), many=True),
    Aspect("age", "attribute", ("young", "middle-aged", "elderly")),
    Aspect("gender", "attribute", ("female", "male")),
    Aspect("skin colour", "attribute", ("dark", "fair", "tan")),
    Aspect("skin texture", "attribute", ("smooth", "wrinkled")),
    Aspect("body action", "attribute", ("leaning", "shrugging", "still", "swaying", "waving")),
    Aspect("head action", "attribute", ("nodding", "shaking", "still", "tilting", "turning")),
    Aspect("face action", "attribute", ("blinking", "chewing", "still", "talking", "winking", "yawning")),
    Aspect("head pose", "attribute", HEAD_POSES),
    Aspect("people", "attribute", ("one", "two")),
)
_EXPRESSION = (
    Aspect("brows", "expression", ("inner raised", "lowered", "raised", "relaxed"), True, "eyebrow thickness"),
    Aspect("eyelids", "expression", ("narrowed", "relaxed", "widened"), False, "eye size"),
    Aspect("cheeks", "expression", ("raised", "relaxed"), False, "face shape"),
    Aspect("upper lip", "expression", ("raised", "relaxed"), False, "nose size"),
    Aspect("mouth corners", "expression", ("lowered", "one raised", "raised", "relaxed"), False, "lip thickness"),
    Aspect("lips", "expression", ("parted", "pressed", "relaxed"), False, "lip colour"),
    Aspect("jaw", "expression", ("dropped", "relaxed"), False, "chin shape"),
    Aspect("course", "expression", ("brief", "fading", "growing", "steady"), False, "face action"),
)
_EMOTION = (
    Aspect("emotion", "emotion", EMOTIONS, True, "mouth corners"),
    Aspect("intensity", "emotion", ("weak", "medium", "strong"), False, "brows"),
    Aspect("sentiment", "emotion", ("negative", "neutral", "positive"), False, "course"),
    Aspect("relation", "emotion", ("hostile", "intimate", "mild", "neutral", "tense"), False, "eyelids"),
)

ASPECTS: dict[str, Aspect] = {aspect.name: aspect for aspect in _ATTRIBUTE + _EXPRESSION + _EMOTION}
