"""What the promotion stage reads, laid out with answers that were never asked for; and the stage run on it."""

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
from default_settings import params_with

from videmo.data.clip import Clip
from videmo.data.samples import Sample
from videmo.data.shards import encode_frame, write_index, write_shard
from videmo.data.tables import write_clips, write_samples
from videmo.evaluation.predictions import Prediction, write_predictions
from videmo.registry import gate_stage, promotion
from videmo.registry.tracking import connect
from videmo.registry.version_artifacts import newest_verdict
from videmo.settings.sections import GateSettings, PromotionSettings
from videmo.stages.report import StageReport
from videmo.stages.store import output_of, run_output_of
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import answer_space, ask, is_open, write_answer
from videmo.tree.model import AffectiveTree, Pair
from videmo.tree.text import render

PARAMS = params_with({"evaluation": {"resamples": 200, "max_new_tokens": 4}})
TREE = AffectiveTree((Pair("age", "young"),), (Pair("brows", "raised"),), (Pair("emotion", "fear"),))
FRAMES, SIZE = 2, 28
BACKBONE = {"backbone": {"name": "tiny", "dtype": "float32"}}


def reference(part):
    aspect = part.aspects[0] if is_open(part) else None
    if not part.answers and not aspect:
        return aspect, render(TREE)
    answers = part.answers or ("brown",)
    if aspect:
        answers = answer_space(part, aspect)
    return aspect, write_answer(answers[:1], part, aspect)


def samples(clips):
    """One sample for each part of face-15, on each clip."""
    made = []
    for clip in clips:
        for part in PARTS.values():
            aspect, answer = reference(part)
            made.append(Sample(f"{clip}.{part.name}", clip, part.name, part.level, "test", ask(part, aspect), answer))
    return made


def complete(directory, stage, digest, config=None, inputs=None):
    directory.mkdir(parents=True, exist_ok=True)
    report = StageReport(stage, digest, directory, {}, 1.0, config or {}, inputs or {})
    (directory / "stage.json").write_text(json.dumps(report.to_json()))
    return directory


def dataset(directory, digest, people=6):
    clips = [f"c{person}" for person in range(people)]
    (directory / "shards").mkdir(parents=True)
    frames = [encode_frame(np.full((SIZE, SIZE, 3), 40 * i, np.uint8)) for i in range(FRAMES)]
    write_index(
        write_shard(directory / "shards" / "00000.tar", [(c, {}, frames) for c in clips]), directory / "index.parquet"
    )
    known = [Clip(c, f"{c}.mp4", "faces", f"p{c}", "test", 1.0, 8.0, SIZE, SIZE, None, {}, TREE) for c in clips]
    write_clips(known, directory / "clips.parquet")
    write_samples(samples(clips), directory / "samples.parquet")
    (directory / "quarantine.json").write_text("[]")
    return complete(
        directory, "data_build", digest, {"data": {"source": "faces", "frames": FRAMES, "frame_size": SIZE}}
    )


def answers(path, right, people=6, without=None, wrong=()):
    """Predictions right in a share `right` of all samples, in none of the parts `wrong`."""
    draw = random.Random(0)
    lines = [
        Prediction(
            sample.id, sample.part, sample.clip, f"p{sample.clip}", sample.question, sample.answer,
            sample.answer if draw.random() < right and sample.part not in wrong else "?", f"{sample.clip}.mp4",
        )
        for sample in samples(f"c{person}" for person in range(people))
        if sample.part != without
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    write_predictions(path, lines)


def champion():
    """The version that bears the name now."""
    return str(connect().get_model_version_by_alias("videmo", "champion").version)


def challenger():
    return str(connect().get_model_version_by_alias("videmo", "challenger").version)


def verdict_of(client, version):
    return newest_verdict(client, client.get_model_version("videmo", str(version)))


def promoted(inputs, tmp_path, name="run"):
    """The report of the promotion and the verdict of the gate, as a run called `name` has them."""
    gate = judged(inputs, name)
    return promote(gate, name), json.loads((gate / "verdict.json").read_text())


def judged(inputs, name="run"):
    """The output of the gate."""
    shutil.rmtree(run_output_of(name, "gate"), ignore_errors=True)
    return gate_stage.run(GateSettings.of(PARAMS, "gate"), inputs, run_output_of(name, "gate")).output


def promote(gate, name="run"):
    shutil.rmtree(run_output_of(name, "promotion"), ignore_errors=True)
    settings = PromotionSettings.of(PARAMS, "promotion")
    return promotion.run(settings, {"gate": gate}, run_output_of(name, "promotion"))


def manifests(inputs, tmp_path):
    """The outputs in the store, as the steps of a run have them: the paths of their manifests."""
    paths = []
    for stage, output in inputs.items():
        report = StageReport.read(output)
        stored = output_of(stage, report.digest)
        if not stored.exists():
            stored.parent.mkdir(parents=True, exist_ok=True)
            output.rename(stored)
        paths.append(str(tmp_path / f"{stage}-{report.digest}.json"))
        replace(report, output=stored).write_manifest(paths[-1])
    return paths


def lose_answers(client, version):
    """Remove the answers that are kept with a version from its artifacts."""
    kept = urlsplit(client.get_run(version.run_id).info.artifact_uri).path
    shutil.rmtree(Path(unquote(kept)) / "predictions")
