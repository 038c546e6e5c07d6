"""Ask a model the test questions, all questions about a clip together, so that its video is encoded once; what has been
answered is kept, whenever it ends."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videmo.config import Evaluation, Params, Reasoning
from videmo.data.samples import Sample
from videmo.data.shards import Dataset
from videmo.evaluation.predictions import Prediction, add_predictions, prediction_for, read_predictions
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import has_one_answer

if TYPE_CHECKING:
    from videmo.generation.rollout import Answer
    from videmo.generation.sampler import Answering, Sampler

CHOICE_TOKENS = 32  # for an answer that names one choice: a model that has not done so by then talks of something else
REASONED = ("fine_caption", "rationale")  # what is answered with a whole tree; the other answers have no levels
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

    def without(self, ids: Collection[str]) -> Questions:
        return Questions(self.dataset, tuple(sample for sample in self.samples if sample.id not in ids))


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


def ask(sampler: Answering, questions: Questions, config: Evaluation) -> Iterator[list[Prediction]]:
    """Greedy answers to every question, those about some clips at a time."""
    for samples in _by_clips(questions.samples, config.batch):
        prompts = _prompts(sampler, questions.dataset, samples)
        answers = sampler.answer(prompts, [answer_limit(sample, config.max_new_tokens) for sample in samples])
        pairs = zip(samples, answers, strict=True)
        yield [_prediction(questions.dataset, sample, answer, sampler) for sample, answer in pairs]


def ask_reasoning(
    sampler: Sampler, questions: Questions, config: Evaluation, reasoning: Reasoning
) -> Iterator[list[Prediction]]:
    """Answers found level by level, keeping the best of several candidates; those about some clips at a time."""
    from videmo.reasoning.search import reason

    for samples in _by_clips(questions.samples, max(1, config.batch // reasoning.candidates)):
        prompts = _prompts(sampler, questions.dataset, samples)
        pairs = zip(samples, reason(sampler, prompts, reasoning, config.seed), strict=True)
        yield [_prediction(questions.dataset, sample, search.answer, sampler) for sample, search in pairs]


def answered(
    path: Path, questions: Questions, ask: Callable[[Questions], Iterable[list[Prediction]]], progress: Progress
) -> list[Prediction]:
    """The answers to `questions` in their order: those that the file at `path` holds, and the rest as `ask` gives them.

    The file is added to with every batch, so that nothing is asked again that was answered before a kill.
    """
    known = {one.id: one for one in read_predictions(path).predictions} if path.exists() else {}
    for batch in ask(questions.without(known)):
        add_predictions(path, batch)
        known.update((one.id, one) for one in batch)
        progress(len(known), len(questions.samples))
    return [known[sample.id] for sample in questions.samples]


def open_model(name: str | Path, params: Params, opened: Sampler | None = None) -> Sampler:
    """The sampler that the settings of the evaluation ask for, over the policy called `name`; `opened`, if given, over
    the next policy: what vLLM takes to start, it takes once."""
    from videmo.backbone.policy import load_policy, to_gpu
    from videmo.generation.sampler import open_sampler

    policy = to_gpu(load_policy(name, dtype=params.backbone.dtype))
    if opened is None:
        return open_sampler("evaluation.sampler", params.evaluation.sampler, policy, params.evaluation.batch)
    opened.follow(policy)
    return opened


def open_any_model(name: str | Path, params: Params) -> Answering:
    """As `open_model`; and where `name` is a directory of a model of another kind, that model as it is."""
    from videmo.backbone.policy import is_policy

    if is_policy(name):
        return open_model(name, params)
    from videmo.generation.chat_model import ChatModel

    return ChatModel(name, params.backbone.dtype, params.evaluation.batch)


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


def answer_limit(sample: Sample, max_new_tokens: int) -> int:
    """How many tokens the answer may take."""
    return min(max_new_tokens, CHOICE_TOKENS) if has_one_answer(PARTS[sample.part]) else max_new_tokens


def _prompts(sampler: Answering, dataset: Dataset, samples: Sequence[Sample]) -> list[tuple[Any, str]]:
    videos = {clip: sampler.see(dataset.frames(clip)) for clip in dict.fromkeys(sample.clip for sample in samples)}
    return [(videos[sample.clip], sample.question) for sample in samples]


def _prediction(dataset: Dataset, sample: Sample, answer: Answer, sampler: Answering) -> Prediction:
    words = sampler.tokenizer.convert_ids_to_tokens([int(token) for token in answer.tokens])
    logprobs = tuple(zip(words, map(float, answer.logprobs), strict=True))
    return prediction_for(sample, dataset.clips[sample.clip], answer.text, logprobs)
