"""What is true of a performance: the answers to face-15's closed questions and the affective tree.

Everything follows from the script, the person and the amplitudes by rule; what cannot be seen is left out.

Seen or not
- A mask hides nose, lips, chin, beards, blemishes and the lower face, and with them emotion and action units: these labels
  are absent. Sunglasses hide the eyes: eye colour, eye size, eyelids and action units are absent. A hat hides whether short hair or none is below it
  and how it falls. A bald head has no hair colour or type. Hands and bodies are always seen.
- A turning head has no head pose. A mole or scar on the side that is turned away is not named.
- Clips of two people have the labels identity or conversation alone; their trees hold `people: two`, and the relation.

Expression
- An action unit is present when its amplitude, speech and yawns included, is at least 0.2 on either side in three frames of
  sixteen. The tree says of the same amplitudes: brows raised (2), inner raised (1 without 2), lowered (4 without 1);
  eyelids widened (5), narrowed (7, not 5); cheeks raised (6); upper lip raised (9 or 10); corners raised (12), one raised
  (12 on one side), lowered (15); lips parted (25 or 26), pressed (23 or 24, not parted); jaw dropped (26).
- course: how the expression goes; a neutral one is steady.

Emotion
- emotion_mafw and emotion_multi take the script's words; the second, weaker emotion is in emotion_multi and the tree only.
  emotion_dfew and emotion_mer exist for the seven basic ones; emotion_mead and emotion_ravdess for the 22 graded ones.
- Sentiment: happiness is positive, neutral is neutral, surprise takes that of its second emotion and else is neutral, every
  other is negative; sentiment_fine adds the intensity.
- A micro-expression clip has micro_expression and action units, course brief, and no emotion or sentiment: the emotion level
  of its tree is empty, since half a second of a face at rest shows no lasting emotion.

Appearance: bangs (not under a hat), chubby for a round face, narrow eyes for small ones, big nose for a large one, pointy
nose for a large and narrow one, bags under the eyes from middle age on, lipstick for red lips, no beard for men without any.
Action: smile is unit 12 on both sides, frown is unit 4 without 1; look around is a wandering gaze; close eyes is eyes shut in
four frames of sixteen or more without blinking.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from videmo.data.sources.faces.action_units import ACTIVE, INDEX
from videmo.data.sources.faces.canvas import Body, Head
from videmo.data.sources.faces.features import blemish_position
from videmo.data.sources.faces.outline import face, hair_back
from videmo.data.sources.faces.performance import Acting, Figure, Performance
from videmo.data.sources.faces.person import BEARDS
from videmo.tasks.catalog import PARTS
from videmo.tree.model import AffectiveTree, Pair

Labels = dict[str, tuple[str, ...]]

# fmt: off
_BASIC = {"anger": "angry", "disgust": "disgust", "fear": "fear", "happiness": "happy", "neutral": "neutral", "sadness": "sad",
          "surprise": "surprise"}
_GRADED = {"anger": "angry", "contempt": "contempt", "disgust": "disgusted", "fear": "fear", "happiness": "happy", "sadness": "sad",
           "surprise": "surprised"}
_SENTIMENTS = {"happiness": "positive", "neutral": "neutral"}
_DEGREES = {"weak": "weakly ", "medium": "", "strong": "strongly "}
_FACE_ACTIONS = {"chewing": "chew", "talking": "talk", "winking": "wink", "yawning": "yawn"}
_HEAD_ACTIONS = {"nodding": "nod", "shaking": "shake head", "turning": "turn"}
_HIDDEN_BY_MASK = {"nose size", "nose width", "lip thickness", "lip colour", "chin shape", "face shape", "facial feature", "face action"}
# fmt: on


def labels_of(performance: Performance) -> Labels:
    """Answers by part of tasks/catalog.py; a part that is absent is unknown."""
    if performance.kind == "identity":
        return {"identity": ("yes" if performance.same_person else "no",)}
    if performance.kind == "conversation":
        return {"conversation": (str(performance.relation),)}
    figure = performance.figures[0]
    script = figure.script
    labels: Labels = {"appearance": _appearance(figure), "action": _actions(figure)}
    if script.head_action != "turning":
        labels["head_pose"] = (script.head_pose,)
    if not {"mask", "sunglasses"} & set(script.accessories):
        labels["action_units"] = _ordered("action_units", {f"AU{unit}" for unit in active_units(figure.acting)})
    if script.micro_expression is not None:
        labels["micro_expression"] = (script.micro_expression,)
    elif "mask" not in script.accessories:
        labels |= _emotion_labels(figure)
    return labels


def tree_of(performance: Performance) -> AffectiveTree:
    if len(performance.figures) == 2:
        relation = (Pair("relation", performance.relation),) if performance.relation else ()
        return AffectiveTree(attribute=(Pair("people", "two"),), emotion=relation)
    figure = performance.figures[0]
    return AffectiveTree(
        attribute=tuple(_attributes(figure)), expression=tuple(_expression(figure)), emotion=tuple(_emotion(figure))
    )


def active_units(acting: Acting) -> set[int]:
    """Units with an amplitude of at least ACTIVE in three frames, on either side."""
    third = np.sort(acting.amplitudes.max(axis=2), axis=0)[-3]
    return {unit for unit, position in INDEX.items() if third[position] >= ACTIVE}


def face_box(performance: Performance) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) as shares of the frame: the union of faces (hair included) over all frames."""
    corners = []
    for figure in performance.figures:
        person, acting = figure.person, figure.acting
        shape = face(person)
        if person.hair_length != "bald":
            hair = hair_back(person)
            shape = np.concatenate([shape, hair[hair[:, 1] < 0]])
        for index in range(len(acting.head)):
            body = Body(figure.centre, figure.scale, *(float(value) for value in acting.body[index]))
            head = Head(body, person.face_half_width, person.face_half_height, *acting.head[index])
            corners.append(head.outline(shape, 0.0))
    points = np.clip(np.concatenate(corners), 0, 1)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return round(float(left), 4), round(float(top), 4), round(float(right), 4), round(float(bottom), 4)


def _ordered(part: str, found: set[str]) -> tuple[str, ...]:
    return tuple(answer for answer in PARTS[part].answers if answer in found)


def _appearance(figure: Figure) -> tuple[str, ...]:
    person, script = figure.person, figure.script
    worn, haired = set(script.accessories), person.hair_length != "bald"
    bare, eyes, lower = "hat" not in worn, "sunglasses" not in worn, "mask" not in worn
    features = _visible_features(figure)
    # fmt: off
    rules = {
        "male": person.gender == "male", "young": person.age == "young", "pale skin": person.skin_colour == "fair",
        "chubby": lower and person.face_shape == "round", "oval face": lower and person.face_shape == "oval",
        "bald": not haired and bare, "bangs": haired and person.bangs and bare,
        "receding hairline": haired and person.receding_hairline and not person.bangs and bare,
        **{f"{item} hair": haired and person.hair_colour == item for item in ("black", "blond", "gray", "brown")},
        **{f"{item} hair": _hair_type_seen(figure) and person.hair_type == item for item in ("straight", "wavy")},
        "long hair": person.hair_length == "long",
        "arched eyebrows": person.eyebrow_angle == "arched", "bushy eyebrows": person.eyebrow_thickness == "thick",
        "bags under eyes": eyes and person.age != "young", "narrow eyes": eyes and person.eye_size == "small",
        "heavy makeup": eyes and person.makeup, "rosy cheeks": lower and person.rosy_cheeks,
        "big nose": lower and person.nose_size == "large",
        "pointy nose": lower and person.nose_size == "large" and person.nose_width == "narrow",
        "big lips": lower and person.lip_thickness == "full", "lipstick": lower and person.lip_colour == "red",
        "no beard": lower and person.gender == "male" and not set(features) & set(BEARDS),
        "goatee": "goatee" in features, "mustache": "mustache" in features, "necklace": script.necklace and "necktie" not in worn,
        **{item: item in worn for item in ("eyeglasses", "sunglasses", "earrings", "hat", "necktie", "mask")},
    }
    # fmt: on
    return _ordered("appearance", {name for name, holds in rules.items() if holds})


def _hair_type_seen(figure: Figure) -> bool:
    length = figure.person.hair_length
    return length == "long" or (length == "short" and "hat" not in figure.script.accessories)


def _visible_features(figure: Figure) -> tuple[str, ...]:
    person, script = figure.person, figure.script
    if "mask" in script.accessories:
        return ()
    yaw = float(np.median(figure.acting.head[:, 0]))
    head = Head(Body((0, 0), 1, 0, 0), person.face_half_width, person.face_half_height, yaw, 0, 0)
    turned_away = head.depth(*blemish_position(person)) < 0.3
    return tuple(name for name in person.facial_features if not (turned_away and name in ("mole", "scar")))


def _actions(figure: Figure) -> tuple[str, ...]:
    script, acting = figure.script, figure.acting
    lower = "mask" not in script.accessories
    eyes = "sunglasses" not in script.accessories
    units = active_units(acting)
    shut = int((acting.closure.min(axis=1) > 0.8).sum())
    found = {_FACE_ACTIONS.get(script.face_action, ""), _HEAD_ACTIONS.get(script.head_action, "")}
    rules = {
        "smile": lower and 12 in units and not _one_sided(acting, 12),
        "frown": 4 in units and 1 not in units,
        "look around": eyes and script.gaze == "wandering",
        "close eyes": eyes and script.face_action != "blinking" and shut >= 4,
    }
    return _ordered("action", found | {name for name, holds in rules.items() if holds})


def _one_sided(acting: Acting, unit: int) -> bool:
    peaks = acting.amplitudes[:, INDEX[unit]].max(axis=0)
    return bool(peaks.min() < ACTIVE <= peaks.max())


def _sentiment(emotion: str, second: str | None) -> str:
    if emotion == "surprise":
        return _SENTIMENTS.get(second, "negative") if second else "neutral"
    return _SENTIMENTS.get(emotion, "negative")


def _emotion_labels(figure: Figure) -> Labels:
    script = figure.script
    emotion, sentiment = script.emotion, _sentiment(script.emotion, script.second_emotion)
    labels: Labels = {
        "emotion_mafw": (emotion,),
        "emotion_multi": _ordered("emotion_multi", {emotion, script.second_emotion or emotion}),
        "sentiment": (sentiment,),
        "sentiment_fine": (sentiment if sentiment == "neutral" else _DEGREES[script.intensity] + sentiment,),
    }
    if emotion in _BASIC:
        labels["emotion_dfew"] = labels["emotion_mer"] = (_BASIC[emotion],)
    if emotion in _GRADED or emotion == "neutral":
        graded = "neutral" if emotion == "neutral" else f"{script.intensity} {_GRADED[emotion]}"
        labels["emotion_mead"] = labels["emotion_ravdess"] = (graded,)
    return labels


def _attributes(figure: Figure) -> list[Pair]:
    person, script = figure.person, figure.script
    worn = set(script.accessories)
    # fmt: off
    facts: dict[str, Any] = {name.replace("_", " "): getattr(person, name) for name in (
        "gender", "age", "skin_colour", "skin_texture", "face_shape", "chin_shape", "hair_colour", "hair_length",
        "hair_type", "eye_colour", "eye_size", "eyebrow_thickness", "eyebrow_angle", "nose_size", "nose_width",
        "lip_thickness", "lip_colour")}
    # fmt: on
    facts |= {"head pose": script.head_pose, "people": "one", "head action": script.head_action}
    facts |= {"face action": script.face_action, "body action": script.body_action}
    hidden = set(_HIDDEN_BY_MASK) if "mask" in worn and script.face_action == "still" else set()
    if "mask" in worn:
        hidden |= _HIDDEN_BY_MASK - {"face action"}
    if "sunglasses" in worn:
        hidden |= {"eye colour", "eye size"} | ({"face action"} if script.face_action == "still" else set())
    if person.hair_length == "bald":
        hidden |= {"hair colour", "hair type"}
    if not _hair_type_seen(figure):
        hidden |= {"hair type"}
    if "hat" in worn and person.hair_length != "long":
        hidden |= {"hair length"}
    if script.head_action == "turning":
        hidden |= {"head pose"}
    pairs = [Pair(aspect, item) for aspect, item in facts.items() if aspect not in hidden]
    pairs += [Pair("facial feature", item) for item in _visible_features(figure)]
    return pairs + [Pair("accessory", item) for item in script.accessories]


def _expression(figure: Figure) -> list[Pair]:
    acting, worn = figure.acting, set(figure.script.accessories)
    units = active_units(acting)
    brows = [name for name, holds in (
        ("inner raised", 1 in units and 2 not in units), ("raised", 2 in units), ("lowered", 4 in units and 1 not in units)
    ) if holds]  # fmt: skip
    pairs = [Pair("brows", name) for name in brows or ["relaxed"]]
    pairs.append(Pair("course", figure.script.course))
    if "sunglasses" not in worn:
        pairs.append(Pair("eyelids", "widened" if 5 in units else "narrowed" if 7 in units else "relaxed"))
    if "mask" in worn:
        return pairs
    if "sunglasses" not in worn:
        pairs.append(Pair("cheeks", "raised" if 6 in units else "relaxed"))
    pairs.append(Pair("upper lip", "raised" if units & {9, 10} else "relaxed"))
    raised = "one raised" if _one_sided(acting, 12) else "raised"
    pairs.append(Pair("mouth corners", raised if 12 in units else "lowered" if 15 in units else "relaxed"))
    parted, pressed = bool(units & {25, 26}), bool(units & {23, 24})
    pairs.append(Pair("lips", "parted" if parted else "pressed" if pressed else "relaxed"))
    pairs.append(Pair("jaw", "dropped" if 26 in units else "relaxed"))
    return pairs


def _emotion(figure: Figure) -> list[Pair]:
    script = figure.script
    if script.micro_expression is not None or "mask" in script.accessories:
        return []
    pairs = [Pair("emotion", script.emotion), Pair("sentiment", _sentiment(script.emotion, script.second_emotion))]
    if script.second_emotion is not None:
        pairs.append(Pair("emotion", script.second_emotion))
    if script.emotion != "neutral":
        pairs.append(Pair("intensity", script.intensity))
    return pairs
