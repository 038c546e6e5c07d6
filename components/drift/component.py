"""Whether new data differs from the data before it."""

from kfp import dsl
from kfp.dsl import Dataset, Input

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def drift(params: dict, run: dict, data: Input[Dataset]) -> bool:
    """Compare the labels with those of the previous data set in the store.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        data: Manifest of the data set.

    Returns:
        Output: Whether the labels of any part have drifted, or there is no previous data set.
    """
    from videmo.pipeline.step import run_step

    return bool(run_step("drift", params, run, inputs=[data.path]).metrics["moved"])
