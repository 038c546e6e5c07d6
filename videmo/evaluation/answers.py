"""Ask a model the test questions, all questions about a clip together, so that its video is encoded once; answers are
kept as they come, so that a stopped run loses none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videmo.data.samples import Sample
from videmo.data.shards import Dataset, open_dataset
from videmo.evaluation.predictions import Prediction, add_predictions, prediction_for, read_predictions
from videmo.settings.evaluation import Asking, Reasoning, Searching
from videmo.settings.sections import AnswerSettings, ReasoningSettings
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import has_one_answer

if TYPE_CHECKING:
    from videmo.generation.rollout import Answer
    from videmo.generation.sampler import Answering, Clip, Sampler

CHOICE_TOKENS = 32  # for an answer that names one choice: a model that has not done so by then is off topic
REASONED = ("fine_caption", "rationale")  # what is answered with a whole tree; the other answers have no levels
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Questions:
    """The test samples, grouped by clip, and where their frames are."""

    dataset: Dataset
    samples: tuple[Sample, ...]

    @property
    def clips(self) -> int:
        return len({sample.clip for sample in self.samples})

    def only(self, *parts: str) -> Questions:
        return Questions(self.dataset, tuple(sample for sample in self.samples if sample.part in parts))

    def by_clips(self, clips: int) -> Iterator[Questions]:
        """How many clips to ask about at a time: enough for a full batch of each question."""
        groups = [list(about_clip) for _, about_clip in groupby(self.samples, key=lambda sample: sample.clip)]
        for start in range(0, len(groups), clips):
            about = groups[start : start + clips]
            yield Questions(self.dataset, tuple(sample for about_clip in about for sample in about_clip))


def choose_questions(dataset: Dataset, max_clips: int | None) -> Questions:
    """The test questions, about `max_clips` clips if given: always the same ones, whatever the order of the data.

    Raises ValueError if there is nothing to ask.
    """
    samples = dataset.of(split="test")
    if not samples:
        raise ValueError("there are no test samples: raise data.test_share or data.people, or check the labels")
    # By hash, so that neither the people nor the order in which clips were made decides who is left out.
    chosen = set(sorted({sample.clip for sample in samples}, key=_hash)[:max_clips])
    selected = (sample for sample in samples if sample.clip in chosen)
    return Questions(dataset, tuple(sorted(selected, key=lambda sample: (sample.clip, sample.id))))


def answer_questions(
    model: str | Path,
    data: Path,
    params: AnswerSettings,
    kept: Path,
    progress: Progress,
    plain: Sequence[Prediction] | None = None,
) -> list[Prediction]:
    """The answers of a model to the test questions of a data set: the only way in which a model is asked.

    data: an output of data_build.  kept: the file that collects answers, so that a killed run can continue.  plain: the
    model's plain answers, if it is to reason: those that have levels are then found level by level.
    """
    questions = choose_questions(open_dataset(data), params.evaluation.max_clips)
    if plain is None:
        return plain_answers(open_any_model(model, params), questions, params, kept, progress)
    assert isinstance(params, ReasoningSettings)
    return reasoned_answers(open_model(model, params), questions, params, kept, progress, plain)


def plain_answers(
    sampler: Answering[Clip], questions: Questions, params: AnswerSettings, kept: Path, progress: Progress
) -> list[Prediction]:
    """Greedy answers to every question; `kept` collects them."""
    asking = partial(ask, sampler, config=params.evaluation)
    return answered(kept, questions, params.execution.answer_batch, asking, progress)


def reasoned_answers(
    sampler: Sampler,
    questions: Questions,
    params: ReasoningSettings,
    kept: Path,
    progress: Progress,
    plain: Sequence[Prediction],
) -> list[Prediction]:
    """The answers `plain`, but those of whole trees found level by level; `kept` collects these."""
    asking = partial(ask_reasoning, sampler, config=params.evaluation, reasoning=params.reasoning)
    clips = max(1, params.execution.answer_batch // params.reasoning.candidates)
    reasoned = answered(kept, questions.only(*REASONED), clips, asking, progress)
    better = {prediction.id: prediction for prediction in reasoned}
    return [better.get(prediction.id, prediction) for prediction in plain]


def ask(sampler: Answering[Clip], questions: Questions, config: Asking) -> list[Prediction]:
    """Greedy answers to every question."""
    prompts = _prompts(sampler, questions)
    limits = [answer_limit(sample, config.max_new_tokens) for sample in questions.samples]
    return _predictions(sampler, questions, sampler.answer(prompts, limits))


def ask_reasoning(sampler: Sampler, questions: Questions, config: Searching, reasoning: Reasoning) -> list[Prediction]:
    """Answers found level by level, keeping the best of several candidates."""
    from videmo.generation.draws import seed_of
    from videmo.reasoning.search import reason

    seeds = [seed_of(config.seed, sample.id) for sample in questions.samples]
    searches = reason(sampler, _prompts(sampler, questions), reasoning, config.max_new_tokens, seeds)
    return _predictions(sampler, questions, [search.answer for search in searches])


def answered(
    path: Path, questions: Questions, clips: int, ask: Callable[[Questions], list[Prediction]], progress: Progress
) -> list[Prediction]:
    """The answers to `questions` in their order, those about `clips` clips at a time: what the file at `path` holds,
    and the rest as `ask` gives it.

    Every batch is appended to the file, so that a killed run asks nothing twice. A batch that was cut off is asked
    again as a whole, so that sums are rounded as they would have been.
    """
    known = {prediction.id: prediction for prediction in read_predictions(path).predictions} if path.exists() else {}
    for batch in questions.by_clips(clips):
        if not all(sample.id in known for sample in batch.samples):
            new = [prediction for prediction in ask(batch) if prediction.id not in known]
            add_predictions(path, new)
            known.update((prediction.id, prediction) for prediction in new)
        progress(sum(sample.id in known for sample in questions.samples), len(questions.samples))
    return [known[sample.id] for sample in questions.samples]


def open_model(name: str | Path, params: AnswerSettings) -> Sampler:
    """The sampler that the settings of the evaluation ask for, over the policy called `name`."""
    from videmo.backbone.loading import load_policy, to_gpu
    from videmo.generation.samplers import open_sampler

    policy = to_gpu(load_policy(name, dtype=params.backbone.dtype))
    return open_sampler("evaluation.sampler", params.evaluation.sampler, policy, params.execution.answer_batch)


def open_any_model(name: str | Path, params: AnswerSettings) -> Answering[Any]:
    """As `open_model`, but if `name` is the directory of a model of another family, that model as it is. Raises
    ValueError if the sampler knows only policies.
    """
    from videmo.backbone.weights_check import is_policy

    if is_policy(name):
        return open_model(name, params)
    if params.evaluation.sampler != "hf":
        raise ValueError(
            f"evaluation.sampler = {params.evaluation.sampler}: {name} is a model of another family; set it to hf"
        )
    from videmo.generation.chat_model import ChatModel

    return ChatModel(name, params.backbone.dtype, params.execution.answer_batch)


def _hash(clip: str) -> str:
    return hashlib.sha256(clip.encode()).hexdigest()


def answer_limit(sample: Sample, max_new_tokens: int) -> int:
    """How many tokens the answer may take."""
    return min(max_new_tokens, CHOICE_TOKENS) if has_one_answer(PARTS[sample.part]) else max_new_tokens


def _prompts(sampler: Answering[Clip], questions: Questions) -> list[tuple[Clip, str]]:
    clips = dict.fromkeys(sample.clip for sample in questions.samples)
    videos = {clip: sampler.see(questions.dataset.frames(clip)) for clip in clips}
    return [(videos[sample.clip], sample.question) for sample in questions.samples]


def _predictions(sampler: Answering[Clip], questions: Questions, answers: Sequence[Answer]) -> list[Prediction]:
    pairs = zip(questions.samples, answers, strict=True)
    return [_prediction(questions.dataset, sample, answer, sampler) for sample, answer in pairs]


def _prediction(dataset: Dataset, sample: Sample, answer: Answer, sampler: Answering[Clip]) -> Prediction:
    words = sampler.tokenizer.convert_ids_to_tokens([int(token) for token in answer.tokens])
    logprobs = tuple(zip(words, map(float, answer.logprobs), strict=True))
    return prediction_for(sample, dataset.clips[sample.clip], answer.text, logprobs)
