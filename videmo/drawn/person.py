"""The traits of a drawn person, the same in all their clips.

Lengths are in head units (1 = half the height of an average face), colours are RGB, 0 to 255. The gap between two items
of an aspect is several times the variation within an item, so that every label is clear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]

# fmt: off
SKINS: dict[str, Colour] = {"dark": (98, 60, 44), "fair": (246, 216, 194), "tan": (206, 150, 104)}
HAIRS: dict[str, Colour] = {"black": (24, 21, 26), "blond": (240, 208, 96), "brown": (140, 86, 36),
                            "gray": (176, 178, 184), "red": (206, 72, 22)}
IRISES: dict[str, Colour] = {"blue": (40, 110, 245), "brown": (104, 52, 14), "green": (30, 165, 60),
                             "gray": (138, 146, 154)}
LIPS: dict[str, Colour] = {"pink": (240, 128, 152), "red": (206, 16, 36), "brown": (122, 60, 42)}

# half width, half height
FACE_SIZES = {"long": (0.66, 1.10), "oval": (0.77, 1.0), "round": (0.95, 0.92), "square": (0.88, 0.96)}
EYE_SIZES = {"small": (0.165, 0.100), "large": (0.270, 0.190)}  # half width, half height
BROW_THICKNESSES = {"thin": 0.045, "thick": 0.190}
NOSE_SIZES = {"small": 0.10, "large": 0.31}  # height of its base below the centre of the face
NOSE_WIDTHS = {"narrow": 0.080, "wide": 0.250}  # half width at the base
LIP_THICKNESSES = {"thin": 0.030, "full": 0.145}  # height of one lip
# fmt: on

BEARDS = ("beard", "goatee", "mustache")
BLEMISHES = ("freckles", "mole", "scar")


@dataclass(frozen=True)
class Traits:
    """What is seen of a person, in the words of tree/vocabulary.py."""

    gender: str
    age: str
    skin_colour: str
    skin_texture: str
    face_shape: str
    chin_shape: str
    hair_colour: str
    hair_length: str
    hair_type: str
    eye_colour: str
    eye_size: str
    eyebrow_thickness: str
    eyebrow_angle: str
    nose_size: str
    nose_width: str
    lip_thickness: str
    lip_colour: str
    facial_features: tuple[str, ...]
    bangs: bool
    receding_hairline: bool
    makeup: bool
    rosy_cheeks: bool


@dataclass(frozen=True)
class Person(Traits):
    """Traits, and the lengths and colours to draw them with."""

    skin: Colour
    hair: Colour
    brow: Colour
    iris: Colour
    lips: Colour
    face_half_width: float
    face_half_height: float
    eye_half_width: float
    eye_half_height: float
    brow_height: float
    nose_base: float
    nose_half_width: float
    lip_height: float
    blemish_side: int  # -1: the mole or scar is on the image's left, 1: on its right


def sample_person(rng: np.random.Generator) -> Person:
    """A random person."""
    return _with_measures(rng, _sample_traits(rng))


def _sample_traits(rng: np.random.Generator) -> Traits:
    def choose(items: tuple[str, ...], weights: tuple[float, ...] | None = None) -> str:
        return items[int(rng.choice(len(items), p=weights))]

    gender = choose(("female", "male"))
    age = choose(("young", "middle-aged", "elderly"))
    male = gender == "male"
    length = choose(("bald", "short", "long"), (0.3, 0.55, 0.15) if male else (0.02, 0.28, 0.7))
    gray = {"young": 0.03, "middle-aged": 0.12, "elderly": 0.5}[age]
    haired = length != "bald"
    return Traits(
        gender=gender,
        age=age,
        skin_colour=choose(tuple(SKINS)),
        skin_texture=choose(("smooth", "wrinkled"), {"young": (1, 0), "elderly": (0, 1)}.get(age, (0.5, 0.5))),
        face_shape=choose(tuple(FACE_SIZES)),
        chin_shape=choose(("pointed", "round", "square")),
        hair_colour=choose(tuple(HAIRS), (*[(1 - gray) / 4] * 3, gray, (1 - gray) / 4)),
        hair_length=length,
        hair_type=choose(("straight", "wavy")),
        eye_colour=choose(tuple(IRISES)),
        eye_size=choose(tuple(EYE_SIZES)),
        eyebrow_thickness=choose(tuple(BROW_THICKNESSES)),
        eyebrow_angle=choose(("arched", "flat", "slanted")),
        nose_size=choose(tuple(NOSE_SIZES)),
        nose_width=choose(tuple(NOSE_WIDTHS)),
        lip_thickness=choose(tuple(LIP_THICKNESSES)),
        lip_colour=choose(tuple(LIPS), (0.42, 0.16, 0.42) if male else (0.3, 0.5, 0.2)),
        facial_features=_sample_features(rng, male),
        bangs=bool(rng.random() < 0.3 and haired),
        receding_hairline=bool(rng.random() < 0.4 and male and length == "short" and age != "young"),
        makeup=bool(rng.random() < 0.3 and not male),
        rosy_cheeks=bool(rng.random() < 0.3 and not male),
    )


def _sample_features(rng: np.random.Generator, male: bool) -> tuple[str, ...]:
    features = []
    if male and rng.random() < 0.55:
        features.append(BEARDS[rng.integers(3)])
        if features[0] != "mustache" and rng.random() < 0.3:
            features.append("mustache")
    if rng.random() < 0.5:
        features.append(BLEMISHES[rng.integers(3)])
    return tuple(sorted(features))


def _with_measures(rng: np.random.Generator, traits: Traits) -> Person:
    def near(value: float) -> float:
        return float(value * rng.uniform(0.94, 1.06))

    def tinted(colour: Colour, spread: int = 8) -> Colour:
        return tuple(
            int(np.clip(c + d, 0, 255)) for c, d in zip(colour, rng.integers(-spread, spread + 1, 3), strict=True)
        )  # type: ignore[return-value]

    width, height = FACE_SIZES[traits.face_shape]
    eye_width, eye_height = EYE_SIZES[traits.eye_size]
    hair = tinted(HAIRS[traits.hair_colour])
    lips = tinted(LIPS[traits.lip_colour])
    if traits.skin_colour == "dark" and traits.lip_colour == "brown":
        lips = tinted((150, 90, 66))  # the usual brown could not be told from dark skin
    return Person(
        **vars(traits),
        skin=tinted(SKINS[traits.skin_colour]),
        hair=hair,
        brow=tinted((150, 156, 166) if traits.skin_colour == "fair" else (228, 228, 232))
        if traits.age == "elderly"
        else mix(hair, (20, 12, 8), 0.55),
        iris=tinted(IRISES[traits.eye_colour]),
        lips=lips,
        face_half_width=float(width * rng.uniform(0.98, 1.02)),
        face_half_height=float(height * rng.uniform(0.985, 1.015)),
        eye_half_width=near(eye_width),
        eye_half_height=near(eye_height),
        brow_height=near(BROW_THICKNESSES[traits.eyebrow_thickness]),
        nose_base=near(NOSE_SIZES[traits.nose_size]),
        nose_half_width=near(NOSE_WIDTHS[traits.nose_width]),
        lip_height=near(LIP_THICKNESSES[traits.lip_thickness]),
        blemish_side=int(rng.choice((-1, 1))),
    )


def mix(colour: Colour, other: Colour, share: float) -> Colour:
    """Mix `colour` with `other`, which gets `share` (0 to 1)."""
    return tuple(int(c + (o - c) * share) for c, o in zip(colour, other, strict=True))  # type: ignore[return-value]
