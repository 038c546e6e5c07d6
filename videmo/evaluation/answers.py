"""Ask a model the test questions, all questions about a clip together, so that its video is encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from videmo.config import Evaluation, Reasoning
from videmo.data.samples import Sample
from videmo.data.shards import Dataset
from videmo.evaluation.predictions import Prediction
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import is_open

if TYPE_CHECKING:
    from videmo.backbone.frames import Video
    from videmo.backbone.policy import Policy
    from videmo.generation.sampler import Sampler

CHOICE_TOKENS = 32  # for an answer that names one choice: a model that has not done so by then talks of something else
REASONED = ("fine_caption", "rationale")  # what is answered with a whole tree; the other answers have no levels
Tokens = tuple[tuple[str, float], ...]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Questions:
    """The test samples, those about one clip side by side, and where their frames are."""

    dataset: Dataset
    samples: tuple[Sample, ...]

    @property
    def clips(self) -> int:
        return len({sample.clip for sample in self.samples})

    def only(self, *parts: str) -> Questions:
        return Questions(self.dataset, tuple(sample for sample in self.samples if sample.part in parts))


def choose_questions(dataset: Dataset, max_clips: int | None) -> Questions:
    """The test questions, about `max_clips` clips if given: always the same ones, whatever the order of the data.

    Raises ValueError where there is nothing to ask.
    """
    samples = dataset.of(split="test")
    if not samples:
        raise ValueError("there are no test samples: raise data.test_share or data.people, or check the labels")
    # By hash, so that neither the people nor the order in which clips were made decides who is left out.
    chosen = set(sorted({sample.clip for sample in samples}, key=_hash)[:max_clips])
    kept = (sample for sample in samples if sample.clip in chosen)
    return Questions(dataset, tuple(sorted(kept, key=lambda sample: (sample.clip, sample.id))))


def ask(sampler: Sampler, questions: Questions, config: Evaluation, progress: Progress) -> list[Prediction]:
    """Greedy answers to every question."""
    policy = sampler.policy
    predictions: dict[str, Prediction] = {}
    for about_clips in _by_clips(questions.samples, config.batch):
        prompts = _prompts(policy, questions.dataset, about_clips)
        for limit, chosen in _by_limit(about_clips, config.max_new_tokens).items():
            answers = sampler.answer([prompts[index] for index in chosen], max_new_tokens=limit)
            for index, answer in zip(chosen, answers, strict=True):
                sample, tokens = about_clips[index], _tokens(policy, answer.tokens, answer.logprobs)
                predictions[sample.id] = _prediction(questions.dataset, sample, answer.text, tokens)
            progress(len(predictions), len(questions.samples))
    return [predictions[sample.id] for sample in questions.samples]


def ask_reasoning(
    sampler: Sampler, questions: Questions, config: Evaluation, reasoning: Reasoning, progress: Progress
) -> list[Prediction]:
    """Answers found level by level, keeping the best of several candidates."""
    from videmo.reasoning.search import reason

    policy = sampler.policy
    predictions: list[Prediction] = []
    for samples in _by_clips(questions.samples, max(1, config.batch // reasoning.candidates)):
        prompts = _prompts(policy, questions.dataset, samples)
        for sample, search in zip(samples, reason(sampler, prompts, reasoning, config.seed), strict=True):
            tokens = _tokens(policy, search.answer.tokens, search.answer.logprobs)
            predictions.append(_prediction(questions.dataset, sample, search.answer.text, tokens))
        progress(len(predictions), len(questions.samples))
    return predictions


def put_in(reasoned: Sequence[Prediction], plain: Sequence[Prediction]) -> list[Prediction]:
    """The plain answers with the reasoned ones in their places."""
    better = {prediction.id: prediction for prediction in reasoned}
    return [better.get(prediction.id, prediction) for prediction in plain]


def _hash(clip: str) -> str:
    return hashlib.sha256(clip.encode()).hexdigest()


def _by_clips(samples: Sequence[Sample], clips: int) -> Iterator[list[Sample]]:
    """All samples about so many clips at a time: enough that the sampler finds a full batch for each question."""
    groups = [list(about_clip) for _, about_clip in groupby(samples, key=lambda sample: sample.clip)]
    for start in range(0, len(groups), clips):
        yield [sample for about_clip in groups[start : start + clips] for sample in about_clip]


def _by_limit(samples: Sequence[Sample], max_new_tokens: int) -> dict[int, list[int]]:
    """How many tokens an answer may take -> indices of the samples."""
    limits: dict[int, list[int]] = {}
    for index, sample in enumerate(samples):
        part = PARTS[sample.part]
        one_choice = bool(part.answers or is_open(part)) and not part.many
        limits.setdefault(min(max_new_tokens, CHOICE_TOKENS) if one_choice else max_new_tokens, []).append(index)
    return limits


def _prompts(policy: Policy, dataset: Dataset, samples: Sequence[Sample]) -> list[tuple[Video, str]]:
    from videmo.backbone.frames import pack_frames

    videos = {clip: pack_frames(dataset.frames(clip), policy) for clip in dict.fromkeys(s.clip for s in samples)}
    return [(videos[sample.clip], sample.question) for sample in samples]


def _tokens(policy: Policy, tokens: Sequence[int], logprobs: Sequence[float]) -> Tokens:
    texts = policy.tokenizer.convert_ids_to_tokens([int(token) for token in tokens])
    return tuple((text, float(logprob)) for text, logprob in zip(texts, logprobs, strict=True))


def _prediction(dataset: Dataset, sample: Sample, response: str, tokens: Tokens) -> Prediction:
    clip = dataset.clips[sample.clip]
    return Prediction(
        id=sample.id,
        part=sample.part,
        clip=sample.clip,
        person=clip.person,
        question=sample.question,
        reference=sample.answer,
        response=response,
        video=clip.video,
        logprobs=tokens,
    )
