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
    """Search the answers that have levels down the tree; the others are those of `plain`."""
    from videmo.pipeline.step import run_step

    report = run_step("answers_rl_reasoning", params, run, inputs=[data.path, policy.path, plain.path])
    report.write_manifest(answers.path)
    report.log_to(metrics)
