"""The commands `videmo eval` and `videmo score`: face-15 of one model, or of answers that there are already."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from videmo.config import SettingError, load_params
from videmo.endpoint import EndpointError
from videmo.orchestration.alone import Scored, answers_of, dataset_directory, model_directory, score_predictions
from videmo.orchestration.options import DEFAULT, Overrides, ParamsFile

Data = Annotated[
    Path,
    typer.Option(
        help="An output of data_build, of which the held-out part is asked; or a folder of videos and labels."
    ),
]
Output = Annotated[Path | None, typer.Option(help="Write predictions.jsonl and scores.json here.", metavar="DIR")]


def evaluate_model(
    model: Annotated[
        str, typer.Option(help="A Hugging Face directory, models:/NAME@champion, or tiny.", metavar="DIR_OR_URI")
    ],
    data: Data,
    output: Output = None,
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
) -> None:
    """Ask a model the questions of face-15 and score its answers; started again, it goes on."""
    from videmo.evaluation.one_policy import PREDICTIONS
    from videmo.evaluation.predictions import read_predictions

    settings = load_params(params, overrides)
    with _refusals():
        answers = answers_of(model_directory(model), dataset_directory(data, settings), settings) / PREDICTIONS
        predictions = read_predictions(answers).predictions
        found = score_predictions(predictions, settings)
    _print(model, found)
    print(f"answers: {os.path.relpath(answers)}")
    if output:
        _write(output, found, partial(shutil.copy, answers))


def score_file(
    file: Annotated[Path, typer.Argument(help="JSON lines with ms-swift's fields: response, messages, videos.")],
    data: Data,
    output: Output = None,
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
) -> None:
    """Score answers that this project or another one wrote."""
    from videmo.data.shards import open_dataset
    from videmo.evaluation.answers import choose_questions
    from videmo.evaluation.matching import match_file
    from videmo.evaluation.predictions import write_predictions

    settings = load_params(params, overrides)
    if not file.is_file():
        raise SettingError(f"{file}: no such file")
    with _refusals():
        questions = choose_questions(open_dataset(dataset_directory(data, settings)), settings.evaluation.max_clips)
        matched = match_file(file, questions.dataset, questions.samples)
        found = score_predictions(matched.predictions, settings)
    _print(str(file), found)
    for bad in matched.bad_lines[:5]:
        typer.echo(f"line {bad.number}: {bad.reason}", err=True)
    if faults := matched.faults():
        typer.echo(f"note: {faults}", err=True)
    if output:
        _write(output, found, lambda path: write_predictions(path, matched.predictions))


@contextmanager
def _refusals() -> Iterator[None]:
    """What is wrong with a model, data, answers or the judge's server is the user's to mend, and told in a line."""
    try:
        yield
    except (ValueError, EndpointError) as error:
        raise SettingError(str(error)) from None


def _print(name: str, found: Scored) -> None:
    """The figures by table and task, with their intervals."""
    from videmo.tasks.catalog import TASKS

    print(f"{name}: {found.samples} questions about {found.clips} clips, judge {found.judge}")
    tables, tasks = found.figures["table"], found.figures["task"]
    for table in tables:
        print(_line(table, tables[table]))
        for task in (name for name in tasks if TASKS[name].table == table):
            print(_line(f"  {task}", tasks[task]))
    print(_line(f"mean of {len(tasks)} tasks", found.figures["mean15"]))


def _line(name: str, figure: list[float]) -> str:
    value, low, high = figure
    bounds = f"[{low:.1f}, {high:.1f}]" if high - low < 100 else "too few people for an interval"
    return f"{name:<26} {value:5.1f}  {bounds}"


def _write(directory: Path, found: Scored, write: Callable[[Path], object]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    write(directory / "predictions.jsonl")
    scores = json.dumps(asdict(found), indent=1)
    (directory / "scores.json").write_text(scores, encoding="utf-8")
