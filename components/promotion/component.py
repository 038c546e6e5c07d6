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
    """Make the policy champion: an entry in the history, and the alias `champion`. Fails if another model became
    champion since the verdict.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        data: Manifest of the data set.
        policy: Manifest of the policy that passed the gate.
        base: Manifest of the answers of the backbone.
        rl: Manifest of the answers of the policy.
        scores: Manifest of the scores.

    Returns:
        metrics: Whether it was promoted, the registered version, the gain.
    """
    from videmo.pipeline.step import run_step

    run_step("promotion", params, run, inputs=[data.path, policy.path, base.path, rl.path, scores.path]).log_to(metrics)
