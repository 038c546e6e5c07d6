"""Great Expectations over a built data set."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def data_validation(params: dict, run: dict, data: Input[Dataset], metrics: Output[Metrics]):
    """Check the clips and samples. A failed expectation fails the step and names the rows.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        data: Manifest of the data set.

    Returns:
        metrics: Checked expectations, columns with test samples, clips.
    """
    from videmo.pipeline.step import run_step

    run_step("data_validation", params, run, inputs=[data.path]).log_to(metrics)
