"""The gate between challenger and champion."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Markdown, Model, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(
    params: dict,
    run: dict,
    data: Input[Dataset],
    policy: Input[Model],
    base: Input[Artifact],
    rl: Input[Artifact],
    scores: Input[Artifact],
    verdict: Output[Markdown],
) -> bool:
    """Register the policy as challenger and compare it with the champion.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        data: Manifest of the data set.
        policy: Manifest of the policy after reinforcement learning.
        base: Manifest of the answers of the backbone.
        rl: Manifest of the answers of the policy.
        scores: Manifest of the scores.

    Returns:
        verdict: The verdict with its reason.
        Output: Whether the policy is to become champion.
    """
    from videmo.evaluation.results import write_verdict
    from videmo.pipeline.gate_and_report import run_gate
    from videmo.pipeline.step import Run

    passed = run_gate(params, run, inputs=[data.path, policy.path, base.path, rl.path, scores.path])
    write_verdict(Run(**run).folder, verdict.path)
    return passed
