"""A clip before it is drawn: who is in it, what they do, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from videmo.drawn.acting import Acting, act
from videmo.drawn.person import Colour, Person
from videmo.drawn.script import (
    KINDS,
    RELATIONS,
    Kind,
    Script,
    sample_conversation,
    sample_micro_script,
    sample_portrait,
    sample_script,
)


@dataclass(frozen=True)
class Figure:
    """A person in the picture.

    `centre` is the middle of the face at rest, as shares of the frame; `scale` is the share of the frame's height that
    one head unit takes; `window` is the part of the frame's width that belongs to the figure.
    """

    person: Person
    script: Script
    acting: Acting
    centre: tuple[float, float]
    scale: float
    clothes: Colour
    light: tuple[float, float]  # brightness at the left and at the right edge of the figure's window
    background: Colour
    window: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Performance:
    kind: Kind
    figures: tuple[Figure, ...]
    pattern: Literal["plain", "window", "stripes", "shelf", "dots"]
    accent: Colour  # of the pattern, and of the tie and the hat
    same_person: bool | None = None  # identity clips
    relation: str | None = None  # conversations


# fmt: off
_BACKGROUNDS: tuple[Colour, ...] = ((70, 110, 160), (60, 130, 110), (150, 120, 170), (200, 205, 215), (90, 95, 105),
                                    (210, 190, 150), (120, 160, 190), (60, 70, 120), (140, 170, 120))


_CLOTHES: tuple[Colour, ...] = ((190, 40, 60), (40, 80, 190), (240, 240, 244), (40, 44, 56), (40, 140, 90),
                                (230, 170, 40), (130, 60, 160), (90, 190, 210))


_ACCENTS: tuple[Colour, ...] = ((170, 30, 60), (30, 60, 150), (40, 120, 80), (220, 120, 30), (110, 50, 130))
# fmt: on


def sample_performance(
    rng: np.random.Generator, person: Person, stranger: Person | None = None, kind: Kind | None = None
) -> Performance:
    """One clip of `person`. A clip of two people needs a `stranger`. `kind` is drawn at random unless given."""
    kind = kind or str(rng.choice(list(KINDS), p=list(KINDS.values())))  # type: ignore[assignment]
    if kind == "identity":
        return _sample_identity(rng, person, stranger or person)
    if kind == "conversation":
        return _sample_conversation(rng, person, stranger or person)
    script = sample_micro_script(rng, person) if kind == "micro" else sample_script(rng, person)
    return perform(rng, person, script, kind or "single")


def perform(rng: np.random.Generator, person: Person, script: Script, kind: Kind = "single") -> Performance:
    """One person acting out a script."""
    centre = (0.5 + rng.uniform(-0.02, 0.02), 0.52 + rng.uniform(-0.015, 0.015))
    figure = _figure(rng, person, script, centre, 0.36 * rng.uniform(0.97, 1.03))
    return _performance(rng, kind, (figure,))


def _sample_identity(rng: np.random.Generator, person: Person, stranger: Person) -> Performance:
    same = bool(rng.random() < 0.5)
    people = [person, person if same else stranger]
    if rng.random() < 0.5:
        people.reverse()
    left, right = (
        _figure(
            rng, who, sample_portrait(rng), (0.26 + 0.48 * place, 0.5), 0.235, window=(0.5 * place, 0.5 + 0.5 * place)
        )
        for place, who in enumerate(people)
    )
    return _performance(rng, "identity", (left, right), same_person=same)


def _sample_conversation(rng: np.random.Generator, person: Person, stranger: Person) -> Performance:
    return converse(rng, (person, stranger), str(rng.choice(RELATIONS)))


# relation: distance of each head from the middle, yaw towards the other, roll towards the other
_STAGINGS = {
    "neutral": (0.245, -4.0, 0.0),
    "mild": (0.235, 24.0, 4.0),
    "intimate": (0.180, 32.0, 15.0),
    "tense": (0.265, -24.0, -4.0),
    "hostile": (0.205, 36.0, -6.0),
}


def converse(rng: np.random.Generator, people: tuple[Person, Person], relation: str) -> Performance:
    """Two people in a relation, which shows in their distance, turn, tilt, gaze and expressions."""
    distance, yaw, roll = _STAGINGS[relation]
    background = _pick(rng, _BACKGROUNDS)
    figures = []
    for place, (who, script) in enumerate(zip(people, sample_conversation(rng, relation), strict=True)):
        towards = 1 - 2 * place
        figures.append(
            _figure(
                rng,
                who,
                script,
                (0.5 - towards * distance, 0.5),
                0.21,
                (towards * yaw, 0.0, towards * roll),
                background,
            )
        )
    return _performance(rng, "conversation", tuple(figures), relation=relation)


def _performance(rng: np.random.Generator, kind: Kind, figures: tuple[Figure, ...], **facts: object) -> Performance:
    pattern = str(rng.choice(("plain", "window", "stripes", "shelf", "dots")))
    return Performance(kind, figures, pattern, _pick(rng, _ACCENTS), **facts)  # type: ignore[arg-type]


def _figure(
    rng: np.random.Generator,
    person: Person,
    script: Script,
    centre: tuple[float, float],
    scale: float,
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0),
    background: Colour | None = None,
    window: tuple[float, float] = (0.0, 1.0),
) -> Figure:
    brightness, slope = rng.uniform(0.88, 1.05), rng.uniform(-0.12, 0.12)
    return Figure(
        person=person,
        script=script,
        acting=act(rng, script, turn),
        centre=centre,
        scale=scale,
        clothes=_pick(rng, _CLOTHES),
        light=(brightness - slope, brightness + slope),
        background=background or _pick(rng, _BACKGROUNDS),
        window=window,
    )


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    return colours[rng.integers(len(colours))]
