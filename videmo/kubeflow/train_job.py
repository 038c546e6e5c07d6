"""A training stage over several nodes: a TrainJob of Kubeflow Trainer."""

from __future__ import annotations

from videmo.kubeflow.cluster import (
    ACCELERATOR,
    ENDPOINT_KEY,
    ENDPOINT_SECRET,
    IMAGE,
    MOUNTED_AT,
    QUEUE,
    QUEUE_LABEL,
    VOLUME,
)


def train_job(stage: str, run: str, nodes: int, processes: int) -> dict[str, object]:
    """The manifest of a TrainJob (Kubeflow Trainer 2.1) that runs a stage on `nodes` nodes of so many processes.

    The stage is described in runs/<run>/<stage>.json on the volume. Kueue admits the job through its queue; the runtime
    torch-distributed tells torchrun in every pod where the others are.
    """
    job = f"{MOUNTED_AT}/runs/{run}/{stage}.json"
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {
            "name": f"{run}-{stage}".lower().replace("_", "-").replace(".", "-"),
            "labels": {QUEUE_LABEL: QUEUE},
        },
        "spec": {
            "runtimeRef": {"name": "torch-distributed"},
            "trainer": {
                "image": IMAGE,
                "command": ["torchrun", "--module", "videmo.pipeline.launch", job],
                "numNodes": nodes,
                "numProcPerNode": processes,
                "resourcesPerNode": {"limits": {ACCELERATOR: processes}},
            },
            "podTemplateOverrides": [_volume_and_key()],
        },
    }


def _volume_and_key() -> dict[str, object]:
    """What else the pods get: the volume of all steps, and the key of a large model."""
    key = {"name": ENDPOINT_SECRET, "key": ENDPOINT_KEY, "optional": True}
    container = {
        "name": "node",
        "env": [
            {"name": "VIDEMO_HOME", "value": MOUNTED_AT},
            {"name": ENDPOINT_KEY, "valueFrom": {"secretKeyRef": key}},
        ],
        "volumeMounts": [{"name": "home", "mountPath": MOUNTED_AT}],
    }
    volume = {"name": "home", "persistentVolumeClaim": {"claimName": VOLUME}}
    return {"targetJobs": [{"name": "node"}], "spec": {"volumes": [volume], "containers": [container]}}
