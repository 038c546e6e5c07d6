"""The challenger becomes the champion."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def promotion(
    params: dict,
    run: dict,
    data: Input[Dataset],
    policy: Input[Model],
    base: Input[Artifact],
    rl: Input[Artifact],
    scores: Input[Artifact],
    metrics: Output[Metrics],
):
    """Move the alias `champion` to `policy`."""
    from videmo.pipeline.step import run_step

    run_step("promotion", params, run, inputs=[data.path, policy.path, base.path, rl.path, scores.path]).log_to(metrics)
