"""Match answers, from any tool, to the questions of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from videmo.data.samples import Sample
from videmo.data.shards import Dataset
from videmo.evaluation.predictions import BadLine, Line, Prediction, prediction_for, read_lines

SHOWN = 5  # samples or lines named for each kind of fault


@dataclass(frozen=True)
class Matched:
    """One prediction for every sample, in the samples' order, with the data set's own reference.

    `missing`: the samples that no line answers; their response is empty, so that leaving a question out does not pay.
    `repeated`: lines about a sample that an earlier line has answered, which is the one that counts.  `extra`: lines
    about no sample.
    """

    predictions: tuple[Prediction, ...]
    missing: tuple[str, ...]
    repeated: tuple[int, ...]  # numbers of lines
    extra: tuple[int, ...]
    bad_lines: tuple[BadLine, ...]

    def counts(self) -> dict[str, int]:
        """The number of faults of the file, by kind."""
        return {
            "missing": len(self.missing),
            "repeated": len(self.repeated),
            "extra": len(self.extra),
            "bad_lines": len(self.bad_lines),
        }

    def faults(self) -> list[str]:
        """The faults of the file, one line a kind; empty if there are none."""
        bad = [f"line {line.number} ({line.reason})" for line in self.bad_lines]
        faults = {
            "unanswered samples, which score 0": list(self.missing),
            "repeated answers, of which the first counts": [f"line {number}" for number in self.repeated],
            "answers to questions of no sample": [f"line {number}" for number in self.extra],
            "unreadable lines": bad,
        }
        return [f"{len(which)} {what}: {_some(which)}" for what, which in faults.items() if which]


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def match_file(path: Path, dataset: Dataset, samples: Sequence[Sample]) -> Matched:
    """The answers to `samples` in a file with ms-swift's fields, in any order.

    A line answers the sample that its `id` names, or else the one with its video and question; of the video's path only
    the end has to be the data set's. Raises ValueError if no line answers anything.
    """
    lines, bad_lines = read_lines(path)
    find = _Finder(dataset, samples)
    answers: dict[str, Line] = {}
    repeated, extra = [], []
    for line in lines:
        sample = find(line)
        if sample is None:
            extra.append(line.number)
        elif sample.id in answers:
            repeated.append(line.number)
        else:
            answers[sample.id] = line
    if not answers:
        first = f"; line {bad_lines[0].number}: {bad_lines[0].reason}" if bad_lines else ""
        raise ValueError(
            f"{path}: no line answers a question of {dataset.directory} ({len(lines)} lines read, {len(bad_lines)} not"
            f"{first}); the file must hold JSON lines in UTF-8 with response, messages and videos"
        )
    predictions = tuple(_prediction(sample, dataset, answers.get(sample.id)) for sample in samples)
    missing = tuple(sample.id for sample in samples if sample.id not in answers)
    return Matched(predictions, missing, tuple(repeated), tuple(extra), tuple(bad_lines))


class _Finder:
    def __init__(self, dataset: Dataset, samples: Iterable[Sample]):
        samples = tuple(samples)
        self._clips = {PurePosixPath(dataset.clips[sample.clip].video).parts: sample.clip for sample in samples}
        self._longest = max(map(len, self._clips))
        self._by_id = {sample.id: sample for sample in samples}
        self._by_question = {(sample.clip, _plain(sample.question)): sample for sample in samples}

    def __call__(self, line: Line) -> Sample | None:
        if line.id in self._by_id:
            return self._by_id[line.id]
        clip = self._clip(line.video)
        return self._by_question.get((clip, _plain(line.question))) if clip else None

    def _clip(self, video: str) -> str | None:
        """Whose video the path is: the longest known end of it, tried with one leading directory less each time."""
        parts = PurePosixPath(video.replace("\\", "/")).parts[-self._longest :]
        ends = (parts[start:] for start in range(len(parts)))
        return next((self._clips[end] for end in ends if end in self._clips), None)


def _plain(question: str) -> str:
    return " ".join(question.split())


def _prediction(sample: Sample, dataset: Dataset, line: Line | None) -> Prediction:
    clip = dataset.clips[sample.clip]
    return prediction_for(sample, clip, line.response, line.logprobs) if line else prediction_for(sample, clip)
