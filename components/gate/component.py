"""The gate between challenger and champion."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model

from videmo.stage import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def gate(params: dict, run: dict, data: Input[Dataset], scores: Input[Artifact], policy: Input[Model]) -> bool:
    """Register `policy` as the challenger and say whether it is to become the champion."""
    from videmo.orchestration.outcome import run_gate

    return run_gate(params, run, inputs=[data.path, scores.path, policy.path])
