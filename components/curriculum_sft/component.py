"""One level of curriculum emotion learning; serves the steps sft_attribute, sft_expression and sft_emotion."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def curriculum_sft(
    level: str,
    params: dict,
    run: dict,
    data: Input[Dataset],
    policy: Output[Model],
    metrics: Output[Metrics],
    previous: Input[Model] = None,
):
    """Fine-tune on the samples of one level of the curriculum, starting from the policy of the level before.

    Args:
        level: attribute, expression or emotion.
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        data: Manifest of the data set.
        previous: Manifest of the policy of the level before; without it, training starts from `backbone.name`.

    Returns:
        policy: Manifest of the policy, a Hugging Face directory in safetensors.
        metrics: Final loss, steps and speed.
    """
    from videmo.pipeline.step import run_step

    inputs = [data.path, previous.path] if previous else [data.path]
    report = run_step(f"sft_{level}", params, run, inputs)
    report.write_manifest(policy.path)
    report.log_to(metrics)
