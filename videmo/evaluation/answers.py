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
from videmo.tasks.questions import aspect_of, is_open

if TYPE_CHECKING:
    from videmo.backbone.frames import Video
    from videmo.backbone.policy import Policy
    from videmo.generation.sampler import Sampler
    from videmo.reasoning.search import Apart, Search

CHOICE_TOKENS = 32  # for an answer that names one choice: a model that has not done so by then talks of something else
LEVELLED = ("fine_caption", "rationale")  # what is answered with a whole tree, level by level
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
    """Answers that are the best of several candidates: found level by level where they have levels, else in one."""
    policy = sampler.policy
    predictions: dict[str, Prediction] = {}
    for samples in _by_clips(questions.samples, max(1, config.batch // reasoning.candidates)):
        prompts = _prompts(policy, questions.dataset, samples)
        for sample, search in _searches(sampler, samples, prompts, config, reasoning):
            tokens = _tokens(policy, search.answer.tokens, search.answer.logprobs)
            predictions[sample.id] = _prediction(questions.dataset, sample, search.answer.text, tokens)
        progress(len(predictions), len(questions.samples))
    return [predictions[sample.id] for sample in questions.samples]


def _searches(
    sampler: Sampler,
    samples: Sequence[Sample],
    prompts: Sequence[tuple[Video, str]],
    config: Evaluation,
    reasoning: Reasoning,
) -> Iterator[tuple[Sample, Search]]:
    from videmo.reasoning.search import reason, reason_in_one

    levelled = [index for index, sample in enumerate(samples) if sample.part in LEVELLED]
    found = reason(sampler, [prompts[index] for index in levelled], reasoning, config.seed)
    yield from zip((samples[index] for index in levelled), found, strict=True)
    rest = [index for index, sample in enumerate(samples) if sample.part not in LEVELLED]
    for limit, places in _by_limit([samples[index] for index in rest], config.max_new_tokens).items():
        chosen = [rest[place] for place in places]
        apart = [_apart(samples[index]) for index in chosen]
        found = reason_in_one(sampler, [prompts[i] for i in chosen], apart, reasoning, config.seed, limit)
        yield from zip((samples[index] for index in chosen), found, strict=True)


def _apart(sample: Sample) -> Apart:
    from videmo.reasoning.search import answers_apart, trees_apart

    part = PARTS[sample.part]
    closed = part.answers or is_open(part)
    return answers_apart(part, aspect_of(part, sample.question)) if closed else trees_apart


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
