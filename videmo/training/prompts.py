"""The prompts of tree RL: clips to describe in full and questions of face-15, in an order fixed by a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from videmo.data.samples import Sample
from videmo.settings.rl import Rl
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import is_open
from videmo.training.batches import Deck

CAPTION = "fine_caption"


@dataclass(frozen=True, eq=False)
class Prompts:
    """Step i asks for `captions_per_step` full captions and `questions_per_step` answers, fixed by the fields and i.

    Questions rotate over the parts of face-15, so that a rare part is practised as often as any other.
    """

    captions: Deck
    questions: tuple[Deck, ...]  # one a part
    captions_per_step: int
    questions_per_step: int

    def at(self, step: int) -> tuple[list[Sample], list[Sample]]:
        """The captions and questions of step `step`, counted from 0."""
        first_caption, first_question = step * self.captions_per_step, step * self.questions_per_step
        captions = [self.captions.pack(first_caption + place) for place in range(self.captions_per_step)]
        turns = [divmod(first_question + place, len(self.questions)) for place in range(self.questions_per_step)]
        questions = [self.questions[part].pack(place) for place, part in turns]
        return [pack.samples[0] for pack in captions], [pack.samples[0] for pack in questions]


def prompts(samples: Sequence[Sample], settings: Rl) -> Prompts:
    """The prompts that `samples` allow: without full captions only questions, without questions only captions.

    Raises ValueError if there are neither.
    """
    captions = [sample for sample in samples if sample.part == CAPTION]
    parts = [name for name, part in PARTS.items() if part.answers or is_open(part)]
    by_part = [tuple(sample for sample in samples if sample.part == part) for part in parts]
    questions = tuple(Deck(of_part, 1, settings.seed) for of_part in by_part if of_part)
    if not captions and not questions:
        raise ValueError("tree RL has nothing to ask: the training clips have neither full trees nor face-15 labels")
    per_step = min(settings.question_clips, settings.batch_clips) if questions else 0
    per_step = per_step if captions else settings.batch_clips
    return Prompts(Deck(tuple(captions), 1, settings.seed), questions, settings.batch_clips - per_step, per_step)
