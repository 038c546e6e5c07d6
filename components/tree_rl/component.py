"""Affective-tree reinforcement learning."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def tree_rl(
    params: dict,
    run: dict,
    data: Input[Dataset],
    previous: Input[Model],
    policy: Output[Model],
    metrics: Output[Metrics],
):
    """Improve a policy of the curriculum by reinforcement learning on tree rollouts.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        data: Manifest of the data set.
        previous: Manifest of the policy after the emotion level.

    Returns:
        policy: Manifest of the improved policy, a Hugging Face directory in safetensors.
        metrics: Final rewards and speed.
    """
    from videmo.pipeline.step import run_step

    report = run_step("tree_rl", params, run, inputs=[data.path, previous.path])
    report.write_manifest(policy.path)
    report.log_to(metrics)
