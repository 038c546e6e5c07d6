"""The run's report, whatever became of the run."""

from kfp import dsl
from kfp.dsl import HTML, Output, PipelineTaskFinalStatus

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def report(params: dict, run: dict, status: PipelineTaskFinalStatus, page: Output[HTML]):
    """Write metrics.json and report.html of the run from the steps that succeeded. Runs even if steps fail.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.
        status: Final status of the steps.

    Returns:
        page: The report.
    """
    from pathlib import Path

    from videmo.pipeline.gate_and_report import write_run_report

    Path(page.path).write_bytes(write_run_report(params, run).read_bytes())
