"""What a step of tree RL asks: clips to describe in full, and questions of face-15, in an order that a seed fixes."""

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
    """Step i asks `captions_per_step` clips for a full caption and `questions_per_step` for an answer: a function of
    the fields and i. Questions take turns among the parts of face-15, so that a rare one is practised as any other."""

    captions: Deck
    questions: tuple[Deck, ...]  # one a part
    captions_per_step: int
    questions_per_step: int

    def at(self, step: int) -> tuple[list[Sample], list[Sample]]:
        """The captions and the questions of step `step`, from 0."""
        first_caption, first_question = step * self.captions_per_step, step * self.questions_per_step
        captions = [self.captions.pack(first_caption + place) for place in range(self.captions_per_step)]
        turns = [divmod(first_question + place, len(self.questions)) for place in range(self.questions_per_step)]
        questions = [self.questions[part].pack(place) for place, part in turns]
        return [pack.samples[0] for pack in captions], [pack.samples[0] for pack in questions]


def prompts(samples: Sequence[Sample], settings: Rl) -> Prompts:
    """The prompts that `samples` allow; where there is nothing to describe, questions alone, and the other way round.

    Raises ValueError where there is neither.
    """
    captions = [sample for sample in samples if sample.part == CAPTION]
    parts = [name for name, part in PARTS.items() if part.answers or is_open(part)]
    by_part = [tuple(sample for sample in samples if sample.part == part) for part in parts]
    questions = tuple(Deck(asked, 1, settings.seed) for asked in by_part if asked)
    if not captions and not questions:
        raise ValueError("tree RL has nothing to ask: the training clips have neither full trees nor labels of face-15")
    asked = min(settings.question_clips, settings.batch_clips) if questions else 0
    asked = asked if captions else settings.batch_clips
    return Prompts(Deck(tuple(captions), 1, settings.seed), questions, settings.batch_clips - asked, asked)
