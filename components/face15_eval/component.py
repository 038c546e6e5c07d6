"""Face-15: the 33 columns and 15 tasks for every model of a run."""

from kfp import dsl
from kfp.dsl import Artifact, ClassificationMetrics, Input, Metrics, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def face15_eval(
    params: dict,
    run: dict,
    base: Input[Artifact],
    attribute: Input[Artifact],
    expression: Input[Artifact],
    emotion: Input[Artifact],
    rl: Input[Artifact],
    reasoning: Input[Artifact],
    scores: Output[Artifact],
    metrics: Output[Metrics],
    emotions: Output[ClassificationMetrics],
):
    """Score the answers of every model in the 33 columns and 15 tasks, with intervals.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        base: Manifest of the answers of the backbone.
        attribute: Manifest of the answers after the attribute level.
        expression: Manifest of the answers after the expression level.
        emotion: Manifest of the answers after the emotion level.
        rl: Manifest of the answers after reinforcement learning.
        reasoning: Manifest of the same policy's answers with reasoning.

    Returns:
        scores: Manifest of the scores.
        metrics: Means and tables of each model.
        emotions: Confusion matrix of the seven basic emotions, for the model after reinforcement learning.
    """
    from videmo.evaluation.results import log_confusion
    from videmo.pipeline.step import run_step
    from videmo.stages.report import read_manifest

    answers = [base.path, attribute.path, expression.path, emotion.path, rl.path, reasoning.path]
    report = run_step("face15_eval", params, run, inputs=answers)
    report.write_manifest(scores.path)
    report.log_to(metrics)
    log_confusion(read_manifest(rl.path), emotions)
