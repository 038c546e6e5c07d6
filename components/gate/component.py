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
    decision: Output[Artifact],
    verdict: Output[Markdown],
) -> bool:
    """Register the policy as challenger and compare it with the champion. This is decided once; `promotion` acts on it.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        data: Manifest of the data set.
        policy: Manifest of the policy after reinforcement learning.
        base: Manifest of the answers of the backbone.
        rl: Manifest of the answers of the policy.
        scores: Manifest of the scores.

    Returns:
        decision: Manifest of the verdict and of the registered version that it is about.
        verdict: The verdict with its reason.
        Output: Whether the policy is to become champion.
    """
    from videmo.evaluation.results import write_verdict
    from videmo.pipeline.step import run_step

    report = run_step("gate", params, run, inputs=[data.path, policy.path, base.path, rl.path, scores.path])
    report.write_manifest(decision.path)
    write_verdict(report.output, verdict.path)
    return bool(report.metrics["promote"])
