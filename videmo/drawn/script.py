"""What happens in a clip, in words: the emotion and its course, actions, accessories, and who is there.

Kinds of clip: `single` (one person, with or without an emotion), `micro` (one person at rest except for half a
second), `identity` (two portraits side by side) and `conversation` (two people in one picture).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from videmo.drawn import action_units
from videmo.drawn.person import Person
from videmo.tree.vocabulary import EMOTIONS, HEAD_POSES

Kind = Literal["single", "micro", "identity", "conversation"]
KINDS: dict[Kind, float] = {"single": 0.64, "micro": 0.12, "identity": 0.12, "conversation": 0.12}
RELATIONS = ("neutral", "mild", "intimate", "tense", "hostile")

_HEAD_POSES = {pose: 0.28 if pose == "front" else 0.12 for pose in HEAD_POSES}
_HEAD_ACTIONS = {"still": 0.48, "nodding": 0.13, "shaking": 0.13, "tilting": 0.13, "turning": 0.13}
_BODY_ACTIONS = {"still": 0.44, "leaning": 0.14, "shrugging": 0.14, "swaying": 0.14, "waving": 0.14}
_FACE_ACTIONS = {"still": 0.26, "blinking": 0.17, "talking": 0.19, "winking": 0.14, "chewing": 0.12, "yawning": 0.12}
_HIDING = {"mask": 0.07, "sunglasses": 0.08}
_HARMLESS = {
    "earrings": (0.45, 0.1),
    "eyeglasses": (0.2, 0.2),
    "hat": (0.18, 0.22),
    "necktie": (0.05, 0.4),
}  # female, male


@dataclass(frozen=True)
class Script:
    """One person's script. One-sided movements (a wink, contempt, a wave) are on `side`: 0 is image left, 1 right."""

    emotion: str = "neutral"
    second_emotion: str | None = None
    intensity: str = "medium"
    course: str = "steady"
    micro_expression: str | None = None
    head_pose: str = "front"
    head_action: str = "still"
    face_action: str = "still"
    body_action: str = "still"
    gaze: Literal["ahead", "wandering", "down"] = "ahead"
    eyes_closed: bool = False  # for part of the clip
    accessories: tuple[str, ...] = ()
    necklace: bool = False
    side: int = 0


def sample_script(rng: np.random.Generator, person: Person) -> Script:
    """The script of a clip of kind `single`."""
    emotion = str(rng.choice(EMOTIONS))
    intensity = str(rng.choice(("weak", "medium", "strong")))
    seconds = action_units.BLENDS.get(emotion, ())
    blended = rng.random() < 0.38 and intensity != "weak"
    accessories = _sample_accessories(rng, person)
    script = Script(
        emotion=emotion,
        second_emotion=str(rng.choice(seconds)) if seconds and blended else None,
        intensity=intensity,
        course=str(rng.choice(("steady", "growing", "fading"))) if emotion != "neutral" else "steady",
        head_pose=_weighted(rng, _HEAD_POSES),
        head_action=_weighted(rng, _HEAD_ACTIONS),
        body_action=_weighted(rng, _BODY_ACTIONS),
        accessories=accessories,
        necklace=person.gender == "female" and bool(rng.random() < 0.3),
        side=int(rng.integers(2)),
    )
    return _with_eyes_and_mouth(rng, script)


def _with_eyes_and_mouth(rng: np.random.Generator, script: Script) -> Script:
    """Add a face action and gaze that can be seen and do not hide the expression."""
    possible = dict(_FACE_ACTIONS)
    if "mask" in script.accessories:
        del possible["talking"], possible["chewing"], possible["yawning"]
    if "sunglasses" in script.accessories:
        del possible["blinking"], possible["winking"]
    units = action_units.PROTOTYPES[script.emotion]
    if 26 in units or 25 in units:
        possible.pop("chewing", None)
    if script.course != "fading" and script.emotion != "neutral":
        possible.pop("yawning", None)  # a yawn takes the whole face, so it comes after the expression or without one
    action = _weighted(rng, possible)
    quiet = action == "still" and "sunglasses" not in script.accessories
    closed = quiet and script.course != "fading" and bool(rng.random() < 0.15)
    if script.emotion == "anxiety" or (quiet and not closed and rng.random() < 0.3):
        gaze: Literal["ahead", "wandering", "down"] = "wandering"
    else:
        gaze = "down" if script.emotion == "disappointment" else "ahead"
    side = script.side
    if action == "winking" and script.head_pose.endswith("60"):
        side = 1 if script.head_pose.startswith("left") else 0  # the far eye of a turned head is hardly visible
    return replace(script, face_action=action, gaze=gaze, eyes_closed=closed, side=side)


def sample_micro_script(rng: np.random.Generator, person: Person) -> Script:
    """A face at rest, a body at rest, and one brief expression."""
    return Script(
        micro_expression=str(rng.choice(tuple(action_units.MICRO_PROTOTYPES))),
        course="brief",
        head_pose=str(rng.choice(("front", "front", "left 30", "right 30"))),
        accessories=tuple(a for a in _sample_accessories(rng, person) if a not in _HIDING),
        side=int(rng.integers(2)),
    )


def sample_portrait(rng: np.random.Generator) -> Script:
    """One side of an identity clip, without accessories, which could give the person away or hide them."""
    return Script(
        emotion=str(rng.choice(EMOTIONS)),
        intensity=str(rng.choice(("medium", "strong"))),
        head_pose=str(rng.choice(("front", "left 30", "right 30", "up", "down"))),
        face_action=str(rng.choice(("still", "blinking", "talking"))),
        side=int(rng.integers(2)),
    )


# relation: emotion and intensity of the left person, of the right person; gaze
_MANNERS: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "neutral": ((("neutral", "medium"), ("neutral", "medium")), "ahead"),
    "mild": ((("happiness", "medium"), ("happiness", "weak")), "ahead"),
    "intimate": ((("happiness", "strong"), ("happiness", "strong")), "ahead"),
    "tense": ((("anxiety", "strong"), ("disappointment", "strong")), "down"),
    "hostile": ((("anger", "strong"), ("anger", "strong")), "ahead"),
}


def sample_conversation(rng: np.random.Generator, relation: str) -> tuple[Script, Script]:
    """The scripts of the person on the image's left and of the one on its right."""
    manners, gaze = _MANNERS[relation]
    order = rng.permutation(2)
    speaker = int(rng.integers(2))
    talks = relation in ("neutral", "mild", "hostile")
    left, right = (
        Script(
            emotion=manners[order[place]][0],
            intensity=manners[order[place]][1],
            face_action="talking" if talks and place == speaker else "still",
            gaze=gaze,  # type: ignore[arg-type]
            side=place,
        )
        for place in (0, 1)
    )
    return left, right


def _sample_accessories(rng: np.random.Generator, person: Person) -> tuple[str, ...]:
    worn = [name for name, shares in _HARMLESS.items() if rng.random() < shares[person.gender == "male"]]
    draw = rng.random()
    if draw < _HIDING["mask"]:
        worn.append("mask")
    elif draw < sum(_HIDING.values()):
        worn = [*(name for name in worn if name != "eyeglasses"), "sunglasses"]
    return tuple(sorted(worn))


def _weighted(rng: np.random.Generator, weights: dict[str, float]) -> str:
    shares = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(shares), p=shares / shares.sum()))]
