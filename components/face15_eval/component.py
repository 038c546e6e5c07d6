"""Face-15: the 33 columns and 15 tasks for every model of a run."""

from kfp import dsl
from kfp.dsl import Artifact, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def face15_eval(
    params: dict,
    run: dict,
    data: Input[Dataset],
    attribute: Input[Model],
    expression: Input[Model],
    emotion: Input[Model],
    rl: Input[Model],
    scores: Output[Artifact],
    metrics: Output[Metrics],
    emotions: Output[ClassificationMetrics],
):
    """Ask every model the test questions and score the answers, with intervals."""
    from videmo.evaluation.results import log_confusion
    from videmo.pipeline.step import run_step

    inputs = [data.path, attribute.path, expression.path, emotion.path, rl.path]
    report = run_step("face15_eval", params, run, inputs)
    report.write_manifest(scores.path)
    report.log_to(metrics)
    log_confusion(report.output, emotions)
