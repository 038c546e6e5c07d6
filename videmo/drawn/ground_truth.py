"""The ground truth of a performance: the answers to face-15's closed questions, and the affective tree.

Everything follows by rule from the script, the person and the amplitudes. What cannot be seen is left out.

Visibility
- A mask hides the nose, lips, chin, beard, blemishes and lower face, and with them emotion and action units: these
  labels are absent. Sunglasses hide the eyes: eye colour and size, eyelids, cheeks and action units are absent. A hat
  hides the type of short hair, and whether there is any. A bald head has no hair colour or type.
- A turning head has no head pose. A mole or scar on the side that is turned away is left out. With eyes or mouth
  hidden, a face is not labelled still.
- Clips of two people have only the label identity or conversation; their trees have `people: two` and the relation.

Expression
- An action unit is present if its amplitude, including speech and yawns, is at least 0.2 on either side in three of
  the sixteen frames. From the same amplitudes the tree has: brows raised (2), inner raised (1 without 2), lowered (4
  without 1); eyelids widened (5), narrowed (7, not 5); cheeks raised (6); upper lip raised (9 or 10); corners raised
  (12), one raised (12 on one side), lowered (15); lips parted (25 or 26), pressed (23 or 24, not parted); jaw dropped
  (26).
- course: how the expression develops; a neutral one is steady.

Emotion
- emotion_mafw and emotion_multi use the script's words; the second, weaker emotion is only in emotion_multi and the
  tree. emotion_dfew and emotion_mer cover the seven basic emotions, emotion_mead and emotion_ravdess the graded ones.
- Sentiment: happiness is positive, neutral is neutral, surprise takes the sentiment of its second emotion or else is
  neutral, every other emotion is negative; sentiment_fine adds the intensity.
- A micro-expression clip has micro_expression and action units, course brief, and no emotion or sentiment. The
  emotion level of its tree is empty: half a second's movement in a face at rest shows no lasting emotion.

Appearance: chubby is a round face, narrow eyes are small eyes, a big nose is large, a pointy nose is large and narrow,
bags under the eyes come with middle age, lipstick is red lips, and no beard applies to men without one. Bangs and
receding hairlines cannot be seen under a hat.
Action: smile is unit 12 on both sides, frown is unit 4 without 1, look around is a wandering gaze, and close eyes is
eyes shut in at least four of the sixteen frames without blinking.
"""

from __future__ import annotations

import numpy as np

from videmo.drawn.appearance import actions, active_units, appearance, attributes, in_order, one_sided
from videmo.drawn.canvas import Body, Head
from videmo.drawn.outline import face, hair_back
from videmo.drawn.performance import Figure, Performance
from videmo.tree.model import AffectiveTree, Pair

Labels = dict[str, tuple[str, ...]]

_BASIC = {"anger": "angry", "disgust": "disgust", "fear": "fear", "happiness": "happy", "neutral": "neutral",
          "sadness": "sad", "surprise": "surprise"}  # fmt: skip
_GRADED = {"anger": "angry", "contempt": "contempt", "disgust": "disgusted", "fear": "fear", "happiness": "happy",
           "sadness": "sad", "surprise": "surprised"}  # fmt: skip
_SENTIMENTS = {"happiness": "positive", "neutral": "neutral"}
_DEGREES = {"weak": "weakly ", "medium": "", "strong": "strongly "}


def labels_of(performance: Performance) -> Labels:
    """Answers by part of tasks/catalog.py. A part that is absent is unknown."""
    if performance.kind == "identity":
        return {"identity": ("yes" if performance.same_person else "no",)}
    if performance.kind == "conversation":
        return {"conversation": (str(performance.relation),)}
    figure = performance.figures[0]
    script = figure.script
    labels: Labels = {"appearance": appearance(figure), "action": actions(figure), **_looked_for_in_vain(figure)}
    if script.head_action != "turning":
        labels["head_pose"] = (script.head_pose,)
    if not {"mask", "sunglasses"} & set(script.accessories):
        labels["action_units"] = in_order("action_units", {f"AU{unit}" for unit in active_units(figure.acting)})
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
        attribute=tuple(attributes(figure)), expression=tuple(_expression(figure)), emotion=tuple(_emotion(figure))
    )


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


def _looked_for_in_vain(figure: Figure) -> Labels:
    """The open questions whose answer is that there is nothing of the kind."""
    seen = {pair.aspect for pair in attributes(figure)}
    asked = {"facial_features": "facial feature", "accessories": "accessory"}
    return {part: () for part, aspect in asked.items() if aspect not in seen}


def _emotion_labels(figure: Figure) -> Labels:
    script = figure.script
    emotion, sentiment = script.emotion, _sentiment(script.emotion, script.second_emotion)
    labels: Labels = {
        "emotion_mafw": (emotion,),
        "emotion_multi": in_order("emotion_multi", {emotion, script.second_emotion or emotion}),
        "sentiment": (sentiment,),
        "sentiment_fine": (sentiment if sentiment == "neutral" else _DEGREES[script.intensity] + sentiment,),
    }
    if emotion in _BASIC:
        labels["emotion_dfew"] = labels["emotion_mer"] = (_BASIC[emotion],)
    if emotion in _GRADED or emotion == "neutral":
        graded = "neutral" if emotion == "neutral" else f"{script.intensity} {_GRADED[emotion]}"
        labels["emotion_mead"] = labels["emotion_ravdess"] = (graded,)
    return labels


def _sentiment(emotion: str, second: str | None) -> str:
    if emotion == "surprise":
        return _SENTIMENTS.get(second, "negative") if second else "neutral"
    return _SENTIMENTS.get(emotion, "negative")


def _expression(figure: Figure) -> list[Pair]:
    acting, worn = figure.acting, set(figure.script.accessories)
    units = active_units(acting)
    brows = {
        "inner raised": 1 in units and 2 not in units,
        "raised": 2 in units,
        "lowered": 4 in units and 1 not in units,
    }
    pairs = [Pair("brows", name) for name, holds in brows.items() if holds] or [Pair("brows", "relaxed")]
    pairs.append(Pair("course", figure.script.course))
    if "sunglasses" not in worn:
        pairs.append(Pair("eyelids", "widened" if 5 in units else "narrowed" if 7 in units else "relaxed"))
    if "mask" in worn:
        return pairs
    if "sunglasses" not in worn:
        pairs.append(Pair("cheeks", "raised" if 6 in units else "relaxed"))
    pairs.append(Pair("upper lip", "raised" if units & {9, 10} else "relaxed"))
    raised = "one raised" if one_sided(acting, 12) else "raised"
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
