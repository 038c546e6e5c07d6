"""Affective-tree reinforcement learning."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def tree_rl(
    params: dict,
    run: dict,
    data: Input[Dataset],
    policy: Input[Model],
    improved: Output[Model],
    metrics: Output[Metrics],
):
    """Improve a curriculum-tuned policy by tree rollouts."""
    from videmo.pipeline.step import run_step

    report = run_step("tree_rl", params, run, inputs=[data.path, policy.path])
    report.write_manifest(improved.path)
    report.log_to(metrics)
