"""How a run runs. Nothing here changes what comes out, up to the order of float sums, so none of it enters a digest."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from videmo.settings.kinds import Positive, Rate, Section


class EndpointLimits(Section):
    """How every large model is asked; the limits hold for each process of a stage."""

    concurrency: Positive
    requests_per_minute: Rate | None = None
    timeout: Rate  # seconds of silence
    retries: Annotated[int, Field(ge=0)]  # after no answer, 408, 409, 429 or 5xx; the waits double to a minute
    max_requests: Positive  # retries too, in one run of a stage; what is kept on disk is not asked again


class Execution(Section):
    """How a run runs on this machine, and not what comes out."""

    workers: Annotated[int, Field(ge=1, le=1024)]  # processes that decode videos
    sft_checkpoint_steps: Positive
    rl_checkpoint_steps: Positive
    answer_batch: Positive  # questions that a model answers at once
    micro_tokens: Positive  # of rollout trees in one forward and backward pass: bounds memory
    processes: Positive  # of a training stage, one a GPU
    zero_stage: Annotated[int, Field(ge=0, le=3)]  # how DeepSpeed splits a model over processes
    offload: bool  # the optimiser's state stays in the machine's memory
    endpoint: EndpointLimits

    @model_validator(mode="after")
    def offload_needs_zero(self) -> Execution:
        if self.offload and self.zero_stage < 2:
            raise ValueError(f"execution.offload = true needs execution.zero_stage 2 or 3, not {self.zero_stage}")
        return self
