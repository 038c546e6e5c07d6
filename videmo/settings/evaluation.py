"""How models are asked, searched for better answers, and scored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from videmo.settings.endpoint import Endpoint
from videmo.settings.kinds import Positive, Section, Seed, Temperature


class Reasoning(Section):
    candidates: Annotated[int, Field(ge=1, le=16)] = 4
    temperature: Temperature = 1.0
    likelihood_weight: Annotated[float, Field(ge=0)] = 10.0  # edits that a nat a token is worth


class Asking(Section):
    """What answers depend on."""

    max_clips: Annotated[int, Field(ge=1)] | None = None  # test clips; all of them by default
    sampler: Literal["hf", "vllm"] = "hf"  # what decodes answers, reasoned ones too
    max_new_tokens: Positive = 200


class Searching(Asking):
    """What reasoned answers depend on."""

    seed: Seed = 0


class Scoring(Section):
    """What scores of answers depend on, and their intervals."""

    seed: int = 0
    judge: Literal["rules", "endpoint"] = "rules"
    endpoint: Endpoint | None = None  # of the judge with that name
    resamples: Positive = 1000

    @model_validator(mode="after")
    def the_judge_can_be_asked(self) -> Scoring:
        if self.judge == "endpoint" and self.endpoint is None:
            raise ValueError("evaluation.judge = endpoint needs evaluation.endpoint, such as {url: ..., model: ...}")
        return self


class Evaluation(Searching, Scoring):
    """Asking and scoring; each stage sees of it what it depends on."""
