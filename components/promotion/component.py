"""The challenger becomes the champion."""

from kfp import dsl
from kfp.dsl import Artifact, Input, Metrics, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def promotion(params: dict, run: dict, decision: Input[Artifact], metrics: Output[Metrics]):
    """Make the challenger champion, as the gate decided: an entry in the history, and the alias `champion`. Fails if
    another model became champion since the verdict.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        decision: Manifest of what the gate decided.

    Returns:
        metrics: Whether it is champion, the registered version.
    """
    from videmo.pipeline.step import run_step

    run_step("promotion", params, run, inputs=[decision.path]).log_to(metrics)
