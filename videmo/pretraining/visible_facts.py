"""What a picture shows: for each slot, such as `hair_type`, the one phrase that fits.

Phrases describe colours, shapes, parts, places and motion in their own words: no question or answer space of face-15,
no age, no gender, and no word for an expression, sentiment or emotion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from videmo.drawn.acting import Acting
from videmo.drawn.action_units import INDEX
from videmo.drawn.performance import Figure, Performance
from videmo.pretraining import scenes

_COLOURS = {"blond": "yellow"}
_PERSON: dict[str, dict[str, str]] = {
    "face_shape": {"long": "tall", "oval": "egg-like", "round": "ball-like",
                   "square": "boxy"},
    "chin_shape": {"pointed": "tapering", "round": "curved", "square": "blocky"},
    "skin_colour": {"dark": "deep", "fair": "milky", "tan": "bronze"},
    "skin_texture": {"smooth": "even", "wrinkled": "lined"},
    "hair_colour": {c: _COLOURS.get(c, c) for c in ("black", "blond", "brown", "gray", "red")},
    "hair_length": {"bald": "none at all", "short": "cropped", "long": "down past the jaw"},
    "hair_type": {"straight": "hanging plain", "wavy": "in curls"},
    "eye_colour": {c: c for c in ("blue", "brown", "green", "gray")},
    "eye_size": {"small": "little", "large": "big"},
    "eyebrow_thickness": {"thin": "fine", "thick": "heavy"},
    "eyebrow_angle": {"arched": "curved", "flat": "level", "slanted": "sloping"},
    "nose_size": {"small": "brief", "large": "lengthy"},
    "nose_width": {"narrow": "slim", "wide": "broad"},
    "lip_thickness": {"thin": "slender", "full": "plump"},
    "lip_colour": {c: c for c in ("pink", "red", "brown")},
}  # fmt: skip
MARKS = {"beard": "hair all over the jaw", "goatee": "a tuft on the jaw", "mustache": "hair above the lip",
          "freckles": "many specks", "mole": "one dark dot", "scar": "one long line"}  # fmt: skip
WORN = {"earrings": "beads at the ears", "eyeglasses": "clear lenses", "hat": "a cap on top",
         "mask": "cloth over the mouth",
         "necktie": "a strip of cloth below", "sunglasses": "dark lenses"}  # fmt: skip

_MOVES: dict[str, tuple[str, ...]] = {
    "brows within": ("inner ends go up", "inner ends go down", "inner ends stay"),
    "brows without": ("outer ends go up", "outer ends stay"),
    "lids": ("eyes open far", "eyes close to slits", "eyes stay"),
    "cheeks": ("cheeks go up", "cheeks stay"),
    "nose": ("nose folds up", "nose stays"),
    "mouth ends": ("both ends go up", "both ends go down", "one end goes up", "ends pull apart", "ends stay"),
    "mouth gap": ("a wide gap", "a small gap", "no gap"),
    "lips": ("pressed flat", "drawn tight", "loose"),
    "chin": ("a bulging chin tip", "a plain chin tip"),
    "amount": ("moves a little", "moves some", "moves a lot", "moves none"),
    "course": ("for a moment", "more and more", "less and less", "all along"),
    "facing": ("ahead", "a bit leftward", "far leftward", "a bit rightward", "far rightward", "upward", "downward"),
    "head motion": ("no head motion", "up and down", "side to side", "sinks to one side", "swings across"),
    "body motion": ("no body motion", "shoulders hop", "body slants", "body rocks", "a hand swings"),
    "eye motion": ("eyes stay open", "eyes shut for a while", "eyes shut again and again", "one eye shuts"),
    "mouth motion": ("no jaw motion", "opens and closes", "jaw slides sideways", "one huge opening"),
    "gaze": ("looks ahead", "looks around the place", "looks below"),
}
_TAKES_TIME = {
    f"moves {part}" for part in ("amount", "course", "head motion", "body motion", "eye motion", "mouth motion", "gaze")
}
_PAIR: dict[str, tuple[str, ...]] = {
    "count": ("one head", "two heads"),
    "pair look": ("heads alike", "heads unlike"),
    "pair gap": ("heads almost touch", "heads near", "heads apart", "heads far apart"),
    "pair turn": ("turned to each other", "turned away", "side by side"),
    "left mouth": _MOVES["mouth ends"],
    "right mouth": _MOVES["mouth ends"],
    "left brows": _MOVES["brows within"],
    "right brows": _MOVES["brows within"],
}

FACTS: dict[str, tuple[str, ...]] = {
    **{slot: tuple(phrases.values()) for slot, phrases in _PERSON.items()},
    **{f"mark {mark}": (phrase, f"no {phrase}") for mark, phrase in MARKS.items()},
    **{f"worn {thing}": (phrase, f"no {phrase}") for thing, phrase in WORN.items()},
    "fringe": ("a fringe over the forehead", "a clear forehead"),
    "cheek tint": ("pink spots on the sides", "no pink spots"),
    **{f"moves {part}": phrases for part, phrases in _MOVES.items()},
    **_PAIR,
    **scenes.FACTS,
}

SEEN_AT_A_GLANCE = {
    slot: phrases for slot, phrases in FACTS.items() if slot not in _TAKES_TIME and slot != "scene motion"
}


def facts_of(performance: Performance, moments: list[int]) -> dict[str, str]:
    """The geometric facts of a performance at the chosen moments."""
    if len(performance.figures) == 2:
        return {"count": "two heads", **_facts_of_pair(performance, moments)}
    figure = performance.figures[0]
    facts = {"count": "one head", **_facts_of_person(figure), **_facts_of_moves(figure, moments)}
    return {slot: phrase for slot, phrase in facts.items() if len(moments) > 2 or slot not in _TAKES_TIME}


def _facts_of_person(figure: Figure) -> dict[str, str]:
    person, worn = figure.person, figure.script.accessories
    facts = {slot: phrases[getattr(person, slot)] for slot, phrases in _PERSON.items()}
    facts |= {f"mark {m}": p if m in person.facial_features else f"no {p}" for m, p in MARKS.items()}
    facts |= {f"worn {t}": p if t in worn else f"no {p}" for t, p in WORN.items()}
    facts["fringe"] = "a fringe over the forehead" if person.bangs else "a clear forehead"
    facts["cheek tint"] = "pink spots on the sides" if person.rosy_cheeks else "no pink spots"
    hidden = {"hair_colour", "hair_type", "fringe"} if person.hair_length == "bald" else set()
    return _visible(facts, worn, hidden)


def _facts_of_moves(figure: Figure, moments: list[int]) -> dict[str, str]:
    acting, script = figure.acting, figure.script
    peak = acting.amplitudes[moments].max(axis=0)
    facts = {
        "brows within": _brows_within(peak),
        "brows without": "outer ends go up" if _both(peak, 2) > 0.25 else "outer ends stay",
        "lids": _lids(peak),
        "cheeks": "cheeks go up" if _both(peak, 6) > 0.2 else "cheeks stay",
        "nose": "nose folds up" if max(_both(peak, 9), _both(peak, 10)) > 0.2 else "nose stays",
        "mouth ends": _mouth_ends(peak),
        "mouth gap": _mouth_gap(peak),
        "lips": "pressed flat" if _both(peak, 24) > 0.2 else "drawn tight" if _both(peak, 23) > 0.2 else "loose",
        "chin": "a bulging chin tip" if _both(peak, 17) > 0.2 else "a plain chin tip",
        "amount": _amount(figure),
        "facing": _facing(acting.head[moments]),
        "head motion": {"still": "no head motion", "nodding": "up and down", "shaking": "side to side",
                        "tilting": "sinks to one side", "turning": "swings across"}[script.head_action],
        "body motion": {"still": "no body motion", "shrugging": "shoulders hop", "leaning": "body slants",
                        "swaying": "body rocks", "waving": "a hand swings"}[script.body_action],
        "eye motion": _eye_motion(acting, script.face_action),
        "mouth motion": {"talking": "opens and closes", "chewing": "jaw slides sideways",
                         "yawning": "one huge opening"}.get(script.face_action, "no jaw motion"),
        "gaze": {"ahead": "looks ahead", "wandering": "looks around the place", "down": "looks below"}[script.gaze],
    }  # fmt: skip
    if facts["amount"] != "moves none":
        facts["course"] = {"brief": "for a moment", "growing": "more and more", "fading": "less and less"}.get(
            script.course, "all along"
        )
    if script.head_action == "turning" and len(moments) > 2:
        del facts["facing"]
    return _visible({f"moves {part}": phrase for part, phrase in facts.items()}, script.accessories, set())


def _visible(facts: dict[str, str], worn: tuple[str, ...], hidden: set[str]) -> dict[str, str]:
    """The facts that no accessory covers."""
    if "sunglasses" in worn:
        hidden = hidden | {"eye_colour", "eye_size", "moves lids", "moves gaze", "moves eye motion"}
    if "mask" in worn:
        hidden = hidden | {"lip_thickness", "lip_colour", "chin_shape", "nose_size", "nose_width", "moves nose",
                           "moves mouth ends", "moves mouth gap", "moves lips", "moves chin", "moves mouth motion",
                           *(f"mark {mark}" for mark in MARKS)}  # fmt: skip
    return {slot: phrase for slot, phrase in facts.items() if slot not in hidden}


def _both(peak: NDArray[np.float64], unit: int) -> float:
    return float(peak[INDEX[unit]].min())


def _brows_within(peak: NDArray[np.float64]) -> str:
    up, down = _both(peak, 1), _both(peak, 4)
    if max(up, down) <= 0.2:
        return "inner ends stay"
    return "inner ends go up" if up >= down * 0.8 else "inner ends go down"


def _lids(peak: NDArray[np.float64]) -> str:
    if _both(peak, 5) > 0.25:
        return "eyes open far"
    return "eyes close to slits" if _both(peak, 7) > 0.25 else "eyes stay"


def _mouth_ends(peak: NDArray[np.float64]) -> str:
    up, down, apart = peak[INDEX[12]], _both(peak, 15), _both(peak, 20)
    if up.max() > 0.25 and up.min() < 0.1:
        return "one end goes up"
    strengths = {"both ends go up": float(up.min()), "both ends go down": down, "ends pull apart": apart}
    strongest = max(strengths, key=lambda phrase: strengths[phrase])
    return strongest if strengths[strongest] > 0.25 else "ends stay"


def _mouth_gap(peak: NDArray[np.float64]) -> str:
    if _both(peak, 26) > 0.35:
        return "a wide gap"
    return "a small gap" if _both(peak, 25) > 0.25 else "no gap"


def _amount(figure: Figure) -> str:
    script = figure.script
    if script.emotion == "neutral" and script.micro_expression is None:
        return "moves none"
    if script.micro_expression is not None:
        return "moves some"
    return {"weak": "moves a little", "medium": "moves some", "strong": "moves a lot"}[script.intensity]


def _facing(head: NDArray[np.float64]) -> str:
    yaw, pitch, _ = np.median(head, axis=0)
    if abs(pitch) > 12:
        return "upward" if pitch > 0 else "downward"
    if abs(yaw) <= 10:
        return "ahead"
    return f"{'far' if abs(yaw) > 30 else 'a bit'} {'right' if yaw > 0 else 'left'}ward"


def _eye_motion(acting: Acting, action: str) -> str:
    if action == "blinking":
        return "eyes shut again and again"
    if action == "winking":
        return "one eye shuts"
    return "eyes shut for a while" if acting.closure.min(axis=1).max() > 0.8 else "eyes stay open"


def _facts_of_pair(performance: Performance, moments: list[int]) -> dict[str, str]:
    left, right = sorted(performance.figures, key=lambda figure: figure.centre[0])
    peaks = [figure.acting.amplitudes[moments].max(axis=0) for figure in (left, right)]
    facts = {
        "left brows": _brows_within(peaks[0]), "left mouth": _mouth_ends(peaks[0]),
        "right brows": _brows_within(peaks[1]), "right mouth": _mouth_ends(peaks[1]),
    }  # fmt: skip
    if performance.same_person is not None:
        facts["pair look"] = "heads alike" if performance.same_person else "heads unlike"
    else:
        facts["pair gap"] = _gap(right.centre[0] - left.centre[0])
        yaw = float(np.median(left.acting.head[:, 0]))
        facts["pair turn"] = "turned to each other" if yaw > 12 else "turned away" if yaw < -12 else "side by side"
    return facts


def _gap(distance: float) -> str:
    limits = ((0.37, "heads almost touch"), (0.44, "heads near"), (0.51, "heads apart"))
    return next((phrase for limit, phrase in limits if distance < limit), "heads far apart")
