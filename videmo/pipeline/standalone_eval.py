"""A model evaluated on its own, without a pipeline: its answers from the store, or asked for now, and their scores."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from videmo.backbone.weights_check import check_setting
from videmo.pipeline.dag import TABLE, Stage, digest_for
from videmo.pipeline.progress import REFRESH_SECONDS, read_progress
from videmo.pipeline.step import discard, execute, run_lock
from videmo.settings.data import Data
from videmo.settings.errors import SettingError
from videmo.settings.params import Params, check_params
from videmo.settings.sources import FolderData
from videmo.stages.content import path_digest
from videmo.stages.errors import first_line
from videmo.stages.external_inputs import check_model
from videmo.stages.report import STAGE_FILE, StageReport, faults
from videmo.stages.store import home, output_of, partial_of, stage_lock

if TYPE_CHECKING:
    from videmo.evaluation.predictions import Prediction
    from videmo.evaluation.scores_file import OwnScores

ALONE = "model"  # what scores and page call the one that they are about, whose name may be a long path
REGISTERED = ("models:/", "runs:/")


def model_directory(name: str) -> str:
    """`name`, or where the weights of a model of the registry lie on this machine.

    Raises SettingError if there is no such model.
    """
    if not name.startswith(REGISTERED):
        check_model("--model", name)
        check_setting("--model", name, any_family=True)
        return name
    from mlflow.exceptions import MlflowException

    from videmo.registry.packaging import policy_at
    from videmo.registry.tracking import connect

    connect()
    try:
        return str(_kept(policy_at(name)))
    except (MlflowException, ValueError, OSError) as error:
        raise SettingError(f"--model {name}: {first_line(error)}") from None


def _kept(weights: Path) -> Path:
    """The same weights where their content is their name, so that what they answered before is found again."""
    kept = home() / "models" / path_digest(weights)
    with stage_lock(kept):
        if not kept.exists():
            partial = partial_of(kept)
            shutil.rmtree(partial, ignore_errors=True)
            shutil.move(weights, partial)
            partial.rename(kept)
    return kept


def dataset_directory(path: Path, params: Params) -> Path:
    """`path` where it is an output of data_build; where it is a folder of videos with their labels, the data set that
    the settings make of it, all of it held out. Raises SettingError if it is neither."""
    if (path / STAGE_FILE).is_file():
        report = StageReport.read(path)
        if "clips.parquet" not in report.files:
            raise SettingError(f"--data {path}: an output of {report.stage}; use data_build's, or a folder of videos")
        return path
    if not path.is_dir():
        raise SettingError(f"--data {path}: no such directory")
    held_out = _held_out(path, params.data)
    held_out.check()
    return make(TABLE["data_build"], params.model_copy(update={"data": held_out}), {})


def _held_out(path: Path, data: Data) -> Data:
    """The settings for the videos at `path`: those of the source that `data` names, or of a folder if it names none."""
    if data.videos:
        kind, kept = type(data), set(type(data).model_fields)
    else:
        kind, kept = FolderData, set(Data.model_fields) - {"source"}
    return kind.model_validate({**{name: getattr(data, name) for name in kept}, "path": path, "test_share": 1.0})


def answers_of(model: str, data: Path, params: Params) -> Path:
    """The output that holds the answers of `model` to the held-out questions of `data`."""
    return make(TABLE["answers_base"], _changed(params, backbone={"name": model}), {"data_build": data})


def make(stage: Stage, params: Params, inputs: dict[str, Path]) -> Path:
    """The output of a stage, from the store if it is there, with a bar while it is made."""
    digests = {name: StageReport.read(path).digest for name, path in inputs.items()}
    output = output_of(stage.name, digest_for(stage, params, digests))
    with run_lock(output):
        if output.exists() and faults(output):
            discard(output)
        if not output.exists():
            with _bar(output, stage.name):
                execute(stage, params, inputs, output)
    return output


def score_predictions(name: str, predictions: Sequence[Prediction], params: Params) -> OwnScores:
    """The figures of a model's answers, by the judge of the settings: as a run has them, and how many of the answers
    could not be read."""
    from videmo.evaluation.evaluate import scores_json
    from videmo.evaluation.judge import choose_judge, count_unread, score

    scores = {ALONE: score(predictions, choose_judge(params.evaluation, params.execution.endpoint))}
    clips = len({prediction.clip for prediction in predictions})
    found = scores_json(scores, clips, params.evaluation)
    return {"name": name, **found, "unread": count_unread(predictions)}


def _changed(params: Params, **sections: dict[str, object]) -> Params:
    settings = params.model_dump(mode="json")
    for section, changes in sections.items():
        settings[section].update(changes)
    return check_params(settings)


@contextmanager
def _bar(output: Path, title: str) -> Iterator[None]:
    """Show the progress that a stage reports until the block ends."""
    from rich.console import Console
    from rich.progress import Progress

    ended = Event()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)

        def follow() -> None:
            while not ended.wait(REFRESH_SECONDS):
                if said := read_progress(output):
                    bar.update(task, completed=said["done"], total=said["total"])

        thread = Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
