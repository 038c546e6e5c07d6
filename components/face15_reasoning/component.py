"""A model answers the face-15 questions by hierarchical reasoning."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def face15_reasoning(
    params: dict,
    run: dict,
    data: Input[Dataset],
    policy: Input[Model],
    plain: Input[Artifact],
    answers: Output[Artifact],
    metrics: Output[Metrics],
):
    """Ask a policy the test questions with hierarchical reasoning on answers that have levels.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        data: Manifest of the data set.
        policy: Manifest of the policy that answers.
        plain: Manifest of the same policy's plain answers, which are used for the other questions.

    Returns:
        answers: Manifest of the answers.
        metrics: Number of questions.
    """
    from videmo.pipeline.step import run_step

    report = run_step("answers_rl_reasoning", params, run, inputs=[data.path, policy.path, plain.path])
    report.write_manifest(answers.path)
    report.log_to(metrics)
