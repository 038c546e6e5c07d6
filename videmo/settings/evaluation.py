"""How models are asked, searched for better answers, and scored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from videmo.settings.endpoint import Endpoint
from videmo.settings.kinds import Positive, Section, Seed, Temperature


class Reasoning(Section):
    candidates: Annotated[int, Field(ge=1, le=16)]
    temperature: Temperature
    likelihood_weight: Annotated[float, Field(ge=0)]  # edits that one nat per token is worth


class Asking(Section):
    """What answers depend on."""

    max_clips: Annotated[int, Field(ge=1)] | None = None  # test clips; null: all of them
    sampler: Literal["hf", "vllm"]  # what decodes answers, reasoned ones too
    max_new_tokens: Positive


class Searching(Asking):
    """What reasoned answers depend on."""

    seed: Seed


class Scoring(Section):
    """What scores of answers depend on, and their intervals."""

    seed: Seed
    judge: Literal["rules", "endpoint"]
    endpoint: Endpoint | None = None  # used by the judge `endpoint`
    resamples: Positive

    @model_validator(mode="after")
    def the_judge_can_be_asked(self) -> Scoring:
        if self.judge == "endpoint" and self.endpoint is None:
            raise ValueError("evaluation.judge = endpoint needs evaluation.endpoint, such as {url: ..., model: ...}")
        return self


class Evaluation(Searching, Scoring):
    """Asking and scoring; each stage sees of it what it depends on."""
