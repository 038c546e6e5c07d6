"""A policy as an MLflow model: the Hugging Face directory as an artifact, the package as its code, nothing pickled."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

from videmo.registry.tracking import experiment_id, pipeline_run
from videmo.stages.report import StageReport

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

POLICY_ARTIFACT = "policy"
EXAMPLE = "clip.mp4"
PACKAGE = Path(__file__).parents[1]
# What the package imports on the way from a video to a tree.
REQUIRED = ("av", "filelock", "mlflow", "numpy", "opencv-python-headless", "pillow", "pydantic", "pyyaml",
            "safetensors", "torch", "transformers")  # fmt: skip


def log_policy(
    client: MlflowClient, trained: Path, data: Path, name: str, run_name: str, tags: Mapping[str, str]
) -> ModelVersion:
    """Log the model of a training stage as a pyfunc, in a run below the pipeline's, and register it as a new version.

    trained, data: the outputs of tree_rl and data_build.
    """
    import mlflow

    run_tags = {"mlflow.parentRunId": pipeline_run(client, run_name), "videmo.kind": "model", **tags}
    run = client.create_run(experiment_id(client), run_name="model", tags=run_tags)
    with mlflow.start_run(run_id=run.info.run_id):
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("served.py")),
            artifacts={POLICY_ARTIFACT: str(trained / "model")},
            code_paths=[str(PACKAGE)],
            model_config=_settings(trained, data),
            input_example=[EXAMPLE],
            pip_requirements=_requirements(),
        )
        with contextlib.redirect_stderr(io.StringIO()):  # it reports its success there
            registered = mlflow.register_model(logged.model_uri, name, tags=dict(tags))
    return client.get_model_version(name, registered.version)


def policy_directory(version: ModelVersion) -> Path:
    """The Hugging Face directory of a registered version, on this machine."""
    return policy_at(f"models:/{version.name}/{version.version}")


def policy_at(uri: str) -> Path:
    """The Hugging Face directory of the model that MLflow has at `uri` (models:/videmo@champion), on this machine until
    this process ends.

    Raises ValueError if that is no model of this project.
    """
    from mlflow.artifacts import download_artifacts

    model = Path(download_artifacts(uri, dst_path=tempfile.mkdtemp(dir=_downloads().name)))
    policies = [path.parent for path in (model / "artifacts").glob("*/config.json")]
    if len(policies) != 1:
        raise ValueError(f"{uri}: no policy among its artifacts")
    return policies[0]


@cache
def _downloads() -> tempfile.TemporaryDirectory[str]:
    """Removed when Python ends."""
    return tempfile.TemporaryDirectory(prefix="videmo-")


def _settings(trained: Path, data: Path) -> dict[str, object]:
    """How a video becomes frames, as it was for the clips that the policy was trained on."""
    clips = StageReport.read(data).config["data"]
    dtype = StageReport.read(trained).config["backbone"]["dtype"]
    return {"frames": clips["frames"], "frame_size": clips["frame_size"], "dtype": dtype, "batch": 16}


def _requirements() -> list[str]:
    """The installed versions, without a local label such as `+cpu`, which no package index has."""
    return [f"{package}=={installed(package).partition('+')[0]}" for package in REQUIRED]
