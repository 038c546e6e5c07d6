"""One model answers the face-15 questions; serves every step answers_<model> but the reasoned one."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def face15_answers(
    model: str,
    params: dict,
    run: dict,
    data: Input[Dataset],
    answers: Output[Artifact],
    metrics: Output[Metrics],
    policy: Input[Model] = None,
):
    """Ask one model the test questions.

    Args:
        model: base, sft_attribute, sft_expression, sft_emotion or rl.
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        data: Manifest of the data set.
        policy: Manifest of the policy that answers; without it, the backbone answers.

    Returns:
        answers: Manifest of the answers.
        metrics: Number of questions.
    """
    from videmo.pipeline.step import run_step

    inputs = [data.path, policy.path] if policy else [data.path]
    report = run_step(f"answers_{model}", params, run, inputs)
    report.write_manifest(answers.path)
    report.log_to(metrics)
