"""The gate between challenger and champion."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Markdown, Model, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(
    params: dict,
    run: dict,
    data: Input[Dataset],
    scores: Input[Artifact],
    policy: Input[Model],
    verdict: Output[Markdown],
) -> bool:
    """Register `policy` as the challenger and say whether it is to become the champion."""
    from videmo.evaluation.results import write_verdict
    from videmo.pipeline.gate_and_report import run_gate
    from videmo.pipeline.step import Run

    passed = run_gate(params, run, inputs=[data.path, scores.path, policy.path])
    write_verdict(Run(**run).folder, verdict.path)
    return passed
