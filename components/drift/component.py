"""Whether new data differs from the data before it."""

from kfp import dsl
from kfp.dsl import Dataset, Input

from videmo.kubeflow.cluster import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def drift(data: Input[Dataset]) -> bool:
    """Compare the labels with those of the previous data set in the store.

    Args:
        data: Manifest of the data set.

    Returns:
        Output: Whether the labels of any part have drifted, or there is no previous data set.
    """
    from videmo.data.drift import compare, data_before
    from videmo.stages.report import read_manifest

    now = read_manifest(data.path)
    before = data_before(now)
    return before is None or any(found.moved for found in compare(before, now))
