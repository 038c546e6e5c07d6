"""Pictures for pretraining, drawn on demand, and what each of them shows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from videmo.drawn.acting import FRAMES
from videmo.drawn.draw import draw_frames
from videmo.drawn.performance import sample_performance
from videmo.drawn.person import sample_person
from videmo.pretraining import scenes
from videmo.pretraining.face_part_maps import parts_of
from videmo.pretraining.visible_facts import facts_of

SCENE_SHARE = 0.15
GLANCE = 2  # frames: one patch in time
PRETRAINING_PEOPLE = 7  # the random stream of people who appear nowhere else


@dataclass(frozen=True)
class Picture:
    """What a few frames show. A slot that is hidden or does not apply is absent.

    `parts`: for a glance at people, where the parts of their faces are (`parts_of`).
    """

    facts: dict[str, str] = field(default_factory=dict)
    parts: NDArray[np.uint8] | None = None


def take_picture(rng: np.random.Generator, frames: int, size: int) -> tuple[NDArray[np.uint8], Picture]:
    """Draw a scene or a performance by people who appear nowhere else: uint8 (frames, size, size, 3), and its facts.

    Two frames are a glance: the same moment twice, which shows no motion.
    """
    if rng.random() < SCENE_SHARE:
        drawn, facts = scenes.draw_scene(rng, frames, size)
        return drawn, Picture(facts)
    people = [sample_person(np.random.default_rng([PRETRAINING_PEOPLE, int(rng.integers(2**31))])) for _ in range(2)]
    performance = sample_performance(rng, people[0], people[1])
    if frames == GLANCE:
        moment = int(rng.integers(FRAMES))
        drawn = draw_frames(performance, size, [moment]).repeat(GLANCE, axis=0)
        return drawn, Picture(facts_of(performance, [moment] * GLANCE), parts_of(performance, size, moment))
    moments = ((np.arange(frames) + rng.random()) * FRAMES / frames).astype(int).tolist()
    return draw_frames(performance, size, moments), Picture(facts_of(performance, moments))
