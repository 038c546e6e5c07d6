"""Where the steps of a pipeline run on a cluster: resources, the shared volume, retries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from videmo.kubeflow.cluster import (
    ACCELERATOR,
    CONFIG_MAP,
    ENDPOINT_KEY,
    ENDPOINT_SECRET,
    IMAGE,
    IMAGE_VARIABLE,
    MOUNTED_AT,
    QUEUE,
    QUEUE_LABEL,
    VOLUME,
)

if TYPE_CHECKING:
    from kfp.dsl import PipelineTask

_HERE = ContextVar("here", default=False)


@contextmanager
def for_this_machine() -> Iterator[None]:
    """Give steps nothing but their names until the block ends: the rest has no effect here, and takes a second."""
    token = _HERE.set(True)
    try:
        yield
    finally:
        _HERE.reset(token)


def place(task: PipelineTask, stage: str) -> PipelineTask:
    """Give a step its name, its row's resources, the volume with the store, what it has to know, and two more attempts.

    A stage resumes from its last checkpoint, so that an attempt after a lost node costs little.
    """
    task.set_display_name(stage)
    return task if _HERE.get() else _place_on_cluster(task, stage)


def _place_on_cluster(task: PipelineTask, stage: str) -> PipelineTask:
    from kfp.kubernetes import add_pod_label, mount_pvc, use_config_map_as_env, use_secret_as_env

    from videmo.pipeline.dag import TABLE

    resources = TABLE[stage].resources
    task.set_cpu_request(resources.cpu).set_memory_request(resources.memory)
    if resources.gpus:
        add_pod_label(task, QUEUE_LABEL, QUEUE)
        task.set_accelerator_type(ACCELERATOR).set_accelerator_limit(resources.gpus)
    task.set_caching_options(TABLE[stage].reusable)
    task.set_retry(num_retries=2, backoff_duration="30s", backoff_factor=2)
    task.set_env_variable("VIDEMO_HOME", MOUNTED_AT)
    task.set_env_variable(IMAGE_VARIABLE, IMAGE)
    use_config_map_as_env(task, CONFIG_MAP, {"MLFLOW_TRACKING_URI": "MLFLOW_TRACKING_URI"})
    use_secret_as_env(task, ENDPOINT_SECRET, {ENDPOINT_KEY: ENDPOINT_KEY}, optional=True)
    return mount_pvc(task, pvc_name=VOLUME, mount_path=MOUNTED_AT)
