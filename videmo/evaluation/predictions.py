"""Answers on disk: JSON lines with the fields of ms-swift's inference output, and what identifies the sample.

`response, labels, logprobs, messages, videos` are ms-swift's, so that the authors' evaluator reads the file; `id, part,
clip, person` come on top.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeVar

from videmo.data.clip import Clip
from videmo.data.people import people_groups
from videmo.data.samples import Sample
from videmo.stages.files import whole_file

T = TypeVar("T")
ANSWERS = "answers_"  # before the name of a model: the stage that asks it
PREDICTIONS = "predictions.jsonl"  # in the output of such a stage
VIDEO = "<video>"  # how ms-swift marks the place of the video in a question


@dataclass(frozen=True)
class Prediction:
    """A model's answer to one sample. `logprobs` holds (token text, log-probability) of each answered token."""

    id: str
    part: str
    clip: str
    person: str | None
    question: str
    reference: str
    response: str
    video: str = ""
    logprobs: tuple[tuple[str, float], ...] = ()


def prediction_for(
    sample: Sample, clip: Clip, response: str = "", logprobs: tuple[tuple[str, float], ...] = ()
) -> Prediction:
    """The prediction for a sample about `clip`; the response is empty by default."""
    return Prediction(
        id=sample.id,
        part=sample.part,
        clip=sample.clip,
        person=clip.person,
        question=sample.question,
        reference=sample.answer,
        response=response,
        video=clip.video,
        logprobs=logprobs,
    )


def clusters_of(predictions: Iterable[Prediction]) -> dict[str, str]:
    """Clip -> its cluster: the people in it, shared by clips that are not independent; or else the clip itself."""
    groups = people_groups({prediction.clip: prediction.person for prediction in predictions})
    return {clip: name for name, (_, clips) in groups.items() for clip in clips}


@dataclass(frozen=True)
class BadLine:
    number: int  # from 1
    reason: str


@dataclass(frozen=True)
class Line:
    """An answer as ms-swift writes it; `id` is None in a file that is not of this project."""

    number: int  # from 1
    id: str | None
    video: str
    question: str
    response: str
    logprobs: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class PredictionFile:
    predictions: tuple[Prediction, ...]
    bad_lines: tuple[BadLine, ...]


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write the file atomically: it appears under its name when it is complete."""
    with whole_file(path) as partial, partial.open("wb") as file:
        _write(file, predictions)


def add_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Append to the file. A line that a kill truncated stays a line of its own, and is read as a bad one."""
    with path.open("ab") as file:
        if file.tell():
            file.write(b"\n")
        _write(file, predictions)


def read_predictions(path: Path) -> PredictionFile:
    """Read a prediction file; a line that cannot be used, or repeats a sample, is reported with its reason."""
    read, bad_lines = _read(path, lambda number, line: (number, _prediction(line)))
    predictions: dict[str, Prediction] = {}
    for number, prediction in read:
        if prediction.id in predictions:
            bad_lines.append(BadLine(number, f"sample {prediction.id} is answered twice; the first answer counts"))
        else:
            predictions[prediction.id] = prediction
    return PredictionFile(tuple(predictions.values()), tuple(sorted(bad_lines, key=lambda bad: bad.number)))


def read_answers(output: Path) -> tuple[Prediction, ...]:
    """The answers in the output of a stage answers_<model>."""
    return read_predictions(output / PREDICTIONS).predictions


def read_lines(path: Path) -> tuple[list[Line], list[BadLine]]:
    """The answers in a file of ms-swift's fields, whoever wrote it, and the lines that cannot be used."""
    return _read(path, _line)


def _read(path: Path, convert: Callable[[int, dict[str, object]], T]) -> tuple[list[T], list[BadLine]]:
    """What `convert` makes of every line and its number from 1; and the lines it raised ValueError on."""
    read: list[T] = []
    bad_lines: list[BadLine] = []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line.decode("utf-8-sig"))
            if not isinstance(content, dict):
                raise ValueError(f"a prediction must be an object, not {type(content).__name__}")
            read.append(convert(number, content))
        except (ValueError, RecursionError) as error:
            bad_lines.append(BadLine(number, f"{type(error).__name__}: {error}"[:200]))
    return read, bad_lines


def _write(file: BinaryIO, predictions: Iterable[Prediction]) -> None:
    """Returns when the lines are on the disk."""
    for prediction in predictions:
        line = json.dumps(_to_json(prediction), ensure_ascii=False)
        # A lone surrogate has no UTF-8; backslashreplace turns it into the escape that JSON has for it.
        file.write(line.encode("utf-8", "backslashreplace") + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _to_json(prediction: Prediction) -> dict[str, object]:
    content = [{"token": token, "logprob": round(logprob, 4)} for token, logprob in prediction.logprobs]
    return {
        "response": prediction.response,
        "labels": prediction.reference,
        "logprobs": {"content": content} if content else None,
        "messages": [
            {"role": "user", "content": VIDEO + prediction.question},
            {"role": "assistant", "content": prediction.response},
        ],
        "videos": [prediction.video],
        "id": prediction.id,
        "part": prediction.part,
        "clip": prediction.clip,
        "person": prediction.person,
    }


def _prediction(line: dict[str, object]) -> Prediction:
    """Raises ValueError naming the field that is missing or of the wrong kind."""
    response, reference, sample, part, clip = (
        _text(line, name) for name in ("response", "labels", "id", "part", "clip")
    )
    person = line.get("person")
    return Prediction(
        id=sample,
        part=part,
        clip=clip,
        person=person if isinstance(person, str) else None,
        question=_question(line.get("messages")),
        reference=reference,
        response=response,
        video=_video(line.get("videos")),
        logprobs=_logprobs(line.get("logprobs")),
    )


def _line(number: int, line: dict[str, object]) -> Line:
    """Raises ValueError as `_prediction` does."""
    known = line.get("id")
    return Line(
        number=number,
        id=known if isinstance(known, str) else None,
        video=_video(line.get("videos")),
        question=_question(line.get("messages")),
        response=_text(line, "response"),
        logprobs=_logprobs(line.get("logprobs")),
    )


def _text(line: dict[str, object], name: str) -> str:
    text = line.get(name)
    if not isinstance(text, str):
        raise ValueError(f"field {name} is missing or not a string")
    return text


def _video(videos: object) -> str:
    return videos[0] if isinstance(videos, list) and videos and isinstance(videos[0], str) else ""


def _question(messages: object) -> str:
    if isinstance(messages, list):
        for message in messages:
            content = message.get("content") if isinstance(message, dict) else None
            if isinstance(content, str) and message.get("role") == "user":
                return content.replace(VIDEO, "")
    raise ValueError("field messages has no message of the user")


def _logprobs(logprobs: object) -> tuple[tuple[str, float], ...]:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return ()
    try:
        return tuple((str(token["token"]), float(token["logprob"])) for token in content)
    except (KeyError, TypeError, OverflowError):
        raise ValueError("field logprobs.content needs a token and a logprob for each token") from None
