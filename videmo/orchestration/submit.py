"""A run on a Kubeflow Pipelines server: the pipeline compiled with the stage digests as cache keys, and submitted."""

from __future__ import annotations

import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from videmo.config import Params, SettingError
from videmo.orchestration.dag import plan
from videmo.orchestration.pipeline_file import PipelineFile

TIMEOUT_SECONDS = 10


def check_endpoint(endpoint: str) -> None:
    """Raise SettingError where nothing like a Kubeflow Pipelines server answers."""
    try:
        address = urlsplit(endpoint)
        readable = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        readable = False
    if not readable:
        raise SettingError(f"--endpoint {endpoint!r}: not an address such as http://localhost:8080")
    try:
        with urllib.request.urlopen(endpoint.rstrip("/") + "/apis/v2beta1/healthz", timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        if error.code in {401, 403}:  # a server that wants credentials; the client brings them
            return
        reason: object = f"it answers {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
    except (OSError, ValueError) as error:
        reason = error
    raise SettingError(f"--endpoint {endpoint}: no Kubeflow Pipelines server there: {reason}")


def submit(pipeline: PipelineFile, params: Params, endpoint: str, run_name: str, fresh: bool) -> str:
    """Submit the pipeline; returns where to see the run."""
    from kfp.client import Client

    pipeline.set_cache_keys(plan(params), enabled=not fresh)
    pipeline.set_accelerators(params.engine.processes)
    client = Client(host=endpoint)
    with tempfile.TemporaryDirectory() as folder:
        package = compile_to(pipeline, Path(folder) / "pipeline.yaml")
        run = client.create_run_from_pipeline_package(
            str(package), arguments=pipeline.arguments(params, run_name, fresh), run_name=run_name
        )
    return f"submitted as {run_name}: {endpoint.rstrip('/')}/#/runs/details/{run.run_id}"


def compile_to(pipeline: PipelineFile, package: Path) -> Path:
    """Write the pipeline's compiled form, with what is meant for Kubernetes alone as a second document."""
    from kfp.compiler import pipeline_spec_builder

    pipeline_spec_builder.write_pipeline_spec_to_file(
        pipeline_spec=pipeline.spec,
        pipeline_description=pipeline.function.description,
        platform_spec=pipeline.function.platform_spec,
        package_path=str(package),
    )
    return package
