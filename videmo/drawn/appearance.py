"""What is visible of a figure's person, clothes and actions: the attribute level of its tree, and its labels."""

from __future__ import annotations

import numpy as np

from videmo.drawn.acting import Acting
from videmo.drawn.action_units import ACTIVE, INDEX
from videmo.drawn.canvas import Body, Head
from videmo.drawn.performance import Figure
from videmo.drawn.person import BEARDS
from videmo.drawn.skin import blemish_position
from videmo.tasks.catalog import PARTS
from videmo.tree.model import Pair

_FACE_ACTIONS = {"chewing": "chew", "talking": "talk", "winking": "wink", "yawning": "yawn"}
_HEAD_ACTIONS = {"nodding": "nod", "shaking": "shake head", "turning": "turn"}
_TRAITS = ("gender", "age", "skin_colour", "skin_texture", "face_shape", "chin_shape", "hair_colour", "hair_length",
           "hair_type", "eye_colour", "eye_size", "eyebrow_thickness", "eyebrow_angle", "nose_size", "nose_width",
           "lip_thickness", "lip_colour")  # fmt: skip
_BELOW_MASK = {"nose size", "nose width", "lip thickness", "lip colour", "chin shape", "face shape"}


def in_order(part: str, answers: set[str]) -> tuple[str, ...]:
    """The answers in the order of the part's answer space."""
    return tuple(answer for answer in PARTS[part].answers if answer in answers)


def active_units(acting: Acting) -> set[int]:
    """Units with an amplitude of at least ACTIVE in three frames or more, on either side."""
    third = np.sort(acting.amplitudes.max(axis=2), axis=0)[-3]
    return {unit for unit, position in INDEX.items() if third[position] >= ACTIVE}


def one_sided(acting: Acting, unit: int) -> bool:
    peaks = acting.amplitudes[:, INDEX[unit]].max(axis=0)
    return bool(peaks.min() < ACTIVE <= peaks.max())


def appearance(figure: Figure) -> tuple[str, ...]:
    person, script = figure.person, figure.script
    worn, haired = set(script.accessories), person.hair_length != "bald"
    bare, eyes, lower = "hat" not in worn, "sunglasses" not in worn, "mask" not in worn
    features = visible_features(figure)
    # fmt: off
    rules = {
        "male": person.gender == "male", "young": person.age == "young", "pale skin": person.skin_colour == "fair",
        "chubby": lower and person.face_shape == "round", "oval face": lower and person.face_shape == "oval",
        "bald": not haired and bare, "bangs": haired and person.bangs and bare,
        "receding hairline": haired and person.receding_hairline and not person.bangs and bare,
        **{f"{item} hair": haired and person.hair_colour == item for item in ("black", "blond", "gray", "brown")},
        **{f"{item} hair": hair_type_seen(figure) and person.hair_type == item for item in ("straight", "wavy")},
        "long hair": person.hair_length == "long",
        "arched eyebrows": person.eyebrow_angle == "arched", "bushy eyebrows": person.eyebrow_thickness == "thick",
        "bags under eyes": eyes and person.age != "young", "narrow eyes": eyes and person.eye_size == "small",
        "heavy makeup": eyes and person.makeup, "rosy cheeks": lower and person.rosy_cheeks,
        "big nose": lower and person.nose_size == "large",
        "pointy nose": lower and person.nose_size == "large" and person.nose_width == "narrow",
        "big lips": lower and person.lip_thickness == "full", "lipstick": lower and person.lip_colour == "red",
        "no beard": lower and person.gender == "male" and not set(features) & set(BEARDS),
        "goatee": "goatee" in features, "mustache": "mustache" in features,
        "necklace": script.necklace and "necktie" not in worn,
        **{item: item in worn for item in ("eyeglasses", "sunglasses", "earrings", "hat", "necktie", "mask")},
    }
    # fmt: on
    return in_order("appearance", {name for name, holds in rules.items() if holds})


def actions(figure: Figure) -> tuple[str, ...]:
    script, acting = figure.script, figure.acting
    lower = "mask" not in script.accessories
    eyes = "sunglasses" not in script.accessories
    units = active_units(acting)
    shut = int((acting.closure.min(axis=1) > 0.8).sum())
    shown = {_FACE_ACTIONS.get(script.face_action, ""), _HEAD_ACTIONS.get(script.head_action, "")}
    rules = {
        "smile": lower and 12 in units and not one_sided(acting, 12),
        "frown": 4 in units and 1 not in units,
        "look around": eyes and script.gaze == "wandering",
        "close eyes": eyes and script.face_action != "blinking" and shut >= 4,
    }
    return in_order("action", shown | {name for name, holds in rules.items() if holds})


def attributes(figure: Figure) -> list[Pair]:
    """Pairs of the attribute level that can be seen."""
    person, script = figure.person, figure.script
    facts: dict[str, str] = {name.replace("_", " "): getattr(person, name) for name in _TRAITS}
    facts |= {"head pose": script.head_pose, "people": "one", "head action": script.head_action}
    facts |= {"face action": script.face_action, "body action": script.body_action}
    hidden = _hidden_aspects(figure)
    pairs = [Pair(aspect, item) for aspect, item in facts.items() if aspect not in hidden]
    pairs += [Pair("facial feature", item) for item in visible_features(figure)]
    return pairs + [Pair("accessory", item) for item in script.accessories]


def _hidden_aspects(figure: Figure) -> set[str]:
    person, script = figure.person, figure.script
    worn = set(script.accessories)
    hidden = set(_BELOW_MASK) if "mask" in worn else set()
    if "sunglasses" in worn:
        hidden |= {"eye colour", "eye size"}
    if worn & {"mask", "sunglasses"} and script.face_action == "still":
        hidden |= {"face action"}  # eyes or mouth may move unseen
    if person.hair_length == "bald":
        hidden |= {"hair colour"}
    if not hair_type_seen(figure):
        hidden |= {"hair type"}
    if "hat" in worn and person.hair_length != "long":
        hidden |= {"hair length"}
    if script.head_action == "turning":
        hidden |= {"head pose"}
    return hidden


def hair_type_seen(figure: Figure) -> bool:
    length = figure.person.hair_length
    return length == "long" or (length == "short" and "hat" not in figure.script.accessories)


def visible_features(figure: Figure) -> tuple[str, ...]:
    person, script = figure.person, figure.script
    if "mask" in script.accessories:
        return ()
    yaw = float(np.median(figure.acting.head[:, 0]))
    head = Head(Body((0, 0), 1, 0, 0), person.face_half_width, person.face_half_height, yaw, 0, 0)
    turned_away = head.depth(*blemish_position(person)) < 0.3
    return tuple(name for name in person.facial_features if not (turned_away and name in ("mole", "scar")))
