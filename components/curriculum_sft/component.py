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
    """Fine-tune on the samples of `level`, starting from `previous`, or from the backbone where there is none."""
    from videmo.pipeline.step import run_step

    inputs = [data.path, previous.path] if previous else [data.path]
    report = run_step(f"sft_{level}", params, run, inputs)
    report.write_manifest(policy.path)
    report.log_to(metrics)
