"""Videos and labels in, a data set of clips, trees and samples out."""

from kfp import dsl
from kfp.dsl import Dataset, Metrics, Output

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def data_build(params: dict, run: dict, data: Output[Dataset], metrics: Output[Metrics]):
    """Decode the videos once into shards, with an affective tree for every clip and samples for every column.

    Args:
        params: Settings of the run, as resolved.
        run: Name of the run, and whether to make stored outputs again.

    Returns:
        data: Manifest of the data set: clips, samples, shards with their index, quarantine.
        metrics: Clips, people, samples and rejected files.
    """
    from videmo.pipeline.step import run_step

    report = run_step("data_build", params, run)
    report.write_manifest(data.path)
    report.log_to(metrics)
