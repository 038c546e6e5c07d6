"""The settings that each stage may see: what a stage cannot see cannot change its result.

Every stage sees `execution` besides, which changes nothing of its result and stands outside digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self, TypeVar, get_type_hints

from videmo.settings.backbone import Backbone
from videmo.settings.data import Data, Validation
from videmo.settings.evaluation import Asking, Evaluation, Reasoning, Scoring, Searching
from videmo.settings.execution import Execution
from videmo.settings.kinds import Section
from videmo.settings.params import Params
from videmo.settings.promotion import Promotion
from videmo.settings.rl import Rl
from videmo.settings.sft import Curriculum, LevelSettings

LEVELS = ("attribute", "expression", "emotion")
Kind = TypeVar("Kind", bound=Section)
APART = ("stage", "execution")  # of the fields: what is no section that a result depends on


@dataclass(frozen=True)
class StageSettings:
    """The settings of the stage called `stage`: a field for each section that it sees."""

    stage: str
    execution: Execution

    @classmethod
    def of(cls, params: Params, stage: str, **arguments: object) -> Self:
        """Those of `params`. arguments: what the stage is told besides, such as the level of the curriculum."""
        kinds = get_type_hints(cls)
        seen = {name: _narrowed(getattr(params, name), kinds[name]) for name in kinds if name not in APART}
        return cls(stage, params.execution, **seen)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that the stage finds at run time, as a setting names them."""
        return ()

    def by_section(self) -> dict[str, object]:
        """Whatever the result may depend on, as JSON values by section."""
        sections = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in APART}
        return {name: section.model_dump(mode="json") for name, section in sections.items()}


@dataclass(frozen=True)
class DataBuildSettings(StageSettings):
    data: Data  # with the settings of its source

    @classmethod
    def of(cls, params: Params, stage: str, **arguments: object) -> Self:
        return cls(stage, params.execution, params.data)

    @property
    def modules(self) -> tuple[str, ...]:
        return (self.data.module,)


@dataclass(frozen=True)
class DataValidationSettings(StageSettings):
    validation: Validation


@dataclass(frozen=True)
class SftSettings(StageSettings):
    """levels: those that are taught, one of the curriculum's or, mixed, all of them."""

    backbone: Backbone
    sft: Curriculum
    levels: Mapping[str, LevelSettings]

    @classmethod
    def of(cls, params: Params, stage: str, **arguments: object) -> Self:
        levels = {name: getattr(params.sft, name) for name in LEVELS if arguments["level"] in (name, "mixed")}
        return cls(stage, params.execution, params.backbone, _narrowed(params.sft, Curriculum), levels)

    def by_section(self) -> dict[str, object]:
        levels = {name: level.model_dump(mode="json") for name, level in self.levels.items()}
        return {
            "backbone": self.backbone.model_dump(mode="json"),
            "sft": {**self.sft.model_dump(mode="json"), **levels},
        }


@dataclass(frozen=True)
class TreeRlSettings(StageSettings):
    backbone: Backbone
    rl: Rl


@dataclass(frozen=True)
class AnswerSettings(StageSettings):
    """How a model is asked, and not how its answers are scored."""

    backbone: Backbone
    evaluation: Asking


@dataclass(frozen=True)
class ReasoningSettings(AnswerSettings):
    evaluation: Searching
    reasoning: Reasoning


@dataclass(frozen=True)
class EvalSettings(StageSettings):
    evaluation: Scoring


@dataclass(frozen=True)
class GateSettings(AnswerSettings):
    evaluation: Evaluation
    promotion: Promotion


@dataclass(frozen=True)
class PromotionSettings(StageSettings):
    promotion: Promotion


def _narrowed(section: Section, kind: type[Kind]) -> Kind:
    """`section` as the `kind` that it extends: without the settings that `kind` does not have."""
    return section if type(section) is kind else kind(**{name: getattr(section, name) for name in kind.model_fields})
