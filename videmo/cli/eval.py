"""The commands `videmo eval` and `videmo score`: face-15 of one model, or of existing answers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from videmo.cli.options import DEFAULT, Overrides, ParamsFile, settings_of
from videmo.settings.errors import SettingError

if TYPE_CHECKING:
    from videmo.evaluation.interval import Figure
    from videmo.evaluation.predictions import Prediction
    from videmo.evaluation.scores_file import FileScores, OwnScores
    from videmo.settings.params import Params

Data = Annotated[
    Path,
    typer.Option(help="An output of data_build, whose test split is used, or a folder of videos with labels."),
]
Output = Annotated[
    Path | None, typer.Option(help="Write predictions.jsonl, scores.json and report.html here.", metavar="DIR")
]


def evaluate_model(
    model: Annotated[
        str, typer.Option(help="A Hugging Face directory, models:/NAME@champion, or tiny.", metavar="DIR_OR_URI")
    ],
    data: Data,
    output: Output = None,
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
) -> None:
    """Ask a model the face-15 questions and score its answers. Run it again to continue after a stop."""
    from videmo.evaluation.predictions import PREDICTIONS, read_answers
    from videmo.pipeline.standalone_eval import answers_of, dataset_directory, model_directory, score_predictions

    settings = _settings_about(data, params, overrides)
    with _refusals():
        weights = model_directory(model)
        dataset = dataset_directory(data, settings)
        answers = answers_of(weights, dataset, settings)
        predictions = read_answers(answers)
        scores = score_predictions(model, predictions, settings)
    _print(scores)
    print(f"answers: {os.path.relpath(answers / PREDICTIONS)}")
    if output:
        _write(output, scores, predictions, dataset)


def score_file(
    file: Annotated[Path, typer.Argument(help="JSON lines with ms-swift's fields response, messages and videos.")],
    data: Data,
    output: Output = None,
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
) -> None:
    """Score answers from a file, whichever tool wrote them."""
    from videmo.data.shards import open_dataset
    from videmo.evaluation.answers import choose_questions
    from videmo.evaluation.matching import match_file
    from videmo.pipeline.standalone_eval import dataset_directory, score_predictions

    settings = _settings_about(data, params, overrides)
    if not file.is_file():
        raise SettingError(f"{file}: no such file")
    with _refusals():
        dataset = dataset_directory(data, settings)
        questions = choose_questions(open_dataset(dataset), settings.evaluation.max_clips)
        matched = match_file(file, questions.dataset, questions.samples)
        scores: FileScores = {**score_predictions(str(file), matched.predictions, settings), "faults": matched.counts()}
    _print(scores)
    for fault in matched.faults():
        typer.echo(f"note: {fault}", err=True)
    if output:
        _write(output, scores, matched.predictions, dataset)


def _settings_about(data: Path, params: list[Path] | None, overrides: list[str] | None) -> Params:
    """The settings; a folder of videos is the source, unless they name another one for it."""
    from videmo.stages.report import STAGE_FILE

    about = []
    if data.is_dir() and not (data / STAGE_FILE).is_file():
        about = ["data.source=folder", f"data.path={json.dumps(str(data))}"]
    return settings_of(params, [*about, *(overrides or ())])


@contextmanager
def _refusals() -> Iterator[None]:
    """Report faults of the model, data, answers or judge's server, which the user can fix, in one line."""
    from videmo.llm.client import EndpointError

    try:
        yield
    except (ValueError, EndpointError) as error:
        raise SettingError(str(error)) from None


def _print(scores: OwnScores) -> None:
    """The figures by table and task, with their intervals."""
    from videmo.evaluation.statistics import MEAN15
    from videmo.tasks.catalog import TASKS

    print(f"{scores['name']}: {scores['samples']} questions about {scores['clips']} clips, judge {scores['judge']}")
    (figures,) = scores["models"].values()
    tables, tasks = figures["table"], figures["task"]
    for table in tables:
        print(_line(table, tables[table]))
        for task in (name for name in tasks if TASKS[name].table == table):
            print(_line(f"  {task}", tasks[task]))
    print(_line(f"mean of {len(tasks)} tasks", figures[MEAN15]))
    for aggregates in scores["paper_aggregates"].values():
        print("averaged as in the paper: " + ", ".join(f"{name} {value}" for name, value in aggregates.items()))
    for kind, (unread, asked) in scores["unread"].items():
        if unread:
            print(f"not readable, and scored 0 by rules: {unread} of {asked} {kind}")


def _line(name: str, figure: Figure) -> str:
    from videmo.evaluation.interval import bounds_text

    return f"{name:<26} {figure[0]:5.1f}  {bounds_text(figure)}"


def _write(directory: Path, scores: OwnScores, predictions: Sequence[Prediction], dataset: Path) -> None:
    from videmo.evaluation.predictions import write_predictions
    from videmo.evaluation.report import write_evaluation
    from videmo.stages.files import write_json

    directory.mkdir(parents=True, exist_ok=True)
    write_predictions(directory / "predictions.jsonl", predictions)
    write_json(directory / "scores.json", scores)
    write_evaluation(directory / "report.html", scores, predictions, dataset)
    print(f"report: {os.path.relpath(directory / 'report.html')}")
