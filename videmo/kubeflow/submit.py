"""A run on a Kubeflow Pipelines server: the pipeline compiled with the stage digests as cache keys, and submitted."""

from __future__ import annotations

import json
import logging
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from videmo.kubeflow.pipeline_file import PipelineFile
from videmo.pipeline.dag import plan
from videmo.settings.errors import SettingError
from videmo.settings.params import Params

if TYPE_CHECKING:
    from kfp.client import Client

TIMEOUT_SECONDS = 10


def check_endpoint(endpoint: str) -> None:
    """Raise SettingError if nothing like a Kubeflow Pipelines server answers."""
    try:
        address = urlsplit(endpoint)
        readable = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        readable = False
    if not readable:
        raise SettingError(f"--endpoint {endpoint!r}: not an address such as http://localhost:8080")
    try:
        with urllib.request.urlopen(endpoint.rstrip("/") + "/apis/v2beta1/healthz", timeout=TIMEOUT_SECONDS) as answer:
            if isinstance(json.loads(answer.read()), dict):
                return
        reason: object = "its answer is not that of such a server"
    except urllib.error.HTTPError as error:
        if error.code in {401, 403}:  # a server that wants credentials; the client brings them
            return
        reason = f"it answers {error.code}"
    except urllib.error.URLError as error:
        reason = error.reason
    except json.JSONDecodeError:  # such as the page of another server
        reason = "its answer is not that of such a server"
    except (OSError, ValueError, HTTPException) as error:  # the last: not even HTTP
        reason = error
    raise SettingError(f"--endpoint {endpoint}: no Kubeflow Pipelines server there: {reason}")


def submit(pipeline: PipelineFile, params: Params, endpoint: str, run_name: str, fresh: bool) -> str:
    """Submit the pipeline; returns where to see the run. Raises SettingError if the server does not take it."""
    pipeline.set_cache_keys(plan(params), enabled=not fresh)
    pipeline.set_accelerators(params.execution.processes)
    with client_of(endpoint) as client, tempfile.TemporaryDirectory() as folder:
        package = compile_to(pipeline, Path(folder) / "pipeline.yaml")
        run = client.create_run_from_pipeline_package(
            str(package), arguments=pipeline.arguments(params, run_name, fresh), run_name=run_name
        )
    return f"submitted as {run_name}: {endpoint.rstrip('/')}/#/runs/details/{run.run_id}"


@contextmanager
def client_of(endpoint: str) -> Iterator[Client]:
    """The stock client of a server. Errors of the server and of the network become SettingErrors."""
    from kfp.client import Client
    from kfp_server_api import ApiException
    from urllib3.exceptions import HTTPError

    try:
        logging.disable()  # the client logs each of its attempts with a traceback
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # that it takes servers of version 2
            client = Client(host=endpoint)
        yield client
    except ApiException as error:
        said = f"the server answers {error.status}: {error.body or error.reason}"
        raise SettingError(f"--endpoint {endpoint}: {said}") from error
    except (HTTPError, TimeoutError) as error:
        raise SettingError(f"--endpoint {endpoint}: {error}; does the server ask for credentials?") from error
    finally:
        logging.disable(logging.NOTSET)


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
