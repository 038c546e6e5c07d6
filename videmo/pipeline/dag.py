"""The DAG as one table, and the plan: what would run and why, found without importing a stage."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from videmo.pipeline.reasons import differences, few
from videmo.settings import sections
from videmo.settings.params import Params
from videmo.settings.sections import StageSettings
from videmo.stages.adoption import adopt
from videmo.stages.digest import code_of, stage_digest
from videmo.stages.external_inputs import outside_digests
from videmo.stages.report import STAGE_FILE, StageReport, faults
from videmo.stages.store import output_of, partial_of


@dataclass(frozen=True)
class Resources:
    """What a step asks of a cluster."""

    cpu: str = "2"
    memory: str = "4G"
    gpus: int = 0


@dataclass(frozen=True)
class Stage:
    """A row of the table: the function `module`.run, the settings it sees, the outputs it reads.

    `after` only orders: it does not enter the digest. What depends on the moment, such as on who is champion, is not
    `reusable`: its output belongs to the run. A `distributed` stage runs in execution.processes processes, an
    `optional` one only in some pipelines. A stage that `concludes` a run is given its folder, and runs whatever
    happened to the others.
    """

    name: str
    module: str
    settings: type[StageSettings]
    inputs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    arguments: Mapping[str, object] = field(default_factory=dict)
    reusable: bool = True
    distributed: bool = False
    optional: bool = False
    concludes: bool = False
    resources: Resources = Resources()

    def settings_of(self, params: Params) -> StageSettings:
        """What this stage may see of them."""
        return self.settings.of(params, self.name, **self.arguments)


def _curriculum(level: str, *before: str) -> Stage:
    return Stage(
        f"sft_{level}",
        "videmo.training.sft",
        sections.SftSettings,
        inputs=("data_build", *before),
        after=() if before else ("data_validation",),
        arguments={"level": level},
        distributed=True,
        resources=TRAINING,
    )


def _answers(model: str, policy: str | None = None, reasoning: bool = False) -> Stage:
    """`model` answers the test questions: `policy`, or the backbone."""
    return Stage(
        f"answers_{model}",
        "videmo.evaluation.answer_stage",
        sections.ReasoningSettings if reasoning else sections.AnswerSettings,
        inputs=("data_build", *filter(None, [policy]), *(["answers_rl"] if reasoning else [])),
        after=() if policy else ("data_validation",),
        arguments={"reasoning": reasoning},
        resources=TRAINING,
    )


TRAINING = Resources(cpu="8", memory="64G", gpus=1)

# fmt: off
STAGES = (
    Stage("data_build", "videmo.data.build", sections.DataBuildSettings),
    Stage("data_validation", "videmo.data.validation", sections.DataValidationSettings, ("data_build",)),
    Stage("drift", "videmo.data.drift", sections.StageSettings, ("data_build",), ("data_validation",),
          reusable=False, optional=True),
    _curriculum("attribute"),
    _curriculum("expression", "sft_attribute"),
    _curriculum("emotion", "sft_expression"),
    Stage("tree_rl", "videmo.training.tree_rl", sections.TreeRlSettings, ("data_build", "sft_emotion"),
          distributed=True, resources=TRAINING),
    _answers("base"),
    _answers("sft_attribute", "sft_attribute"),
    _answers("sft_expression", "sft_expression"),
    _answers("sft_emotion", "sft_emotion"),
    _answers("rl", "tree_rl"),
    _answers("rl_reasoning", "tree_rl", reasoning=True),
    Stage("face15_eval", "videmo.evaluation.evaluate", sections.EvalSettings,
          ("answers_base", "answers_sft_attribute", "answers_sft_expression", "answers_sft_emotion", "answers_rl",
           "answers_rl_reasoning")),
    Stage("gate", "videmo.registry.gate_stage", sections.GateSettings,
          ("data_build", "tree_rl", "answers_base", "answers_rl", "face15_eval"),
          reusable=False, resources=TRAINING),  # may ask a champion again
    Stage("promotion", "videmo.registry.promotion", sections.PromotionSettings, ("gate",), reusable=False),
    Stage("report", "videmo.evaluation.report", sections.GateSettings, after=("face15_eval", "promotion"),
          reusable=False, concludes=True),
)
# fmt: on
TABLE: dict[str, Stage] = {stage.name: stage for stage in STAGES}


@dataclass(frozen=True)
class PlannedStep:
    stage: str
    digest: str
    cached: bool
    reason: str


def plan(params: Params) -> list[PlannedStep]:
    """Every stage in order, its digest, whether its output is in the store, and if not, what changed.

    What lies complete below outputs/ enters the store.
    """
    digests: dict[str, str] = {}
    steps = []
    for stage in STAGES:
        inputs = {name: digests[name] for name in stage.inputs}
        digests[stage.name] = digest = digest_for(stage, params, inputs)
        steps.append(_planned(stage, params, inputs, digest))
    return steps


def _planned(stage: Stage, params: Params, inputs: Mapping[str, str], digest: str) -> PlannedStep:
    if not stage.reusable:
        return PlannedStep(stage.name, digest, False, "never taken from the store")
    output = output_of(stage.name, digest)
    refused = adopt(stage.name, digest)
    broken = faults(output) if output.exists() else []
    if broken:
        reason = f"damaged: {few(broken)}"
    elif output.exists():
        reason = "cached"
    else:
        reason = _why(stage, params, inputs, digest)
    if refused:
        reason += f"; outputs/{stage.name} is damaged: {few(refused)}"
    return PlannedStep(stage.name, digest, reason == "cached", reason)


def digest_for(stage: Stage, params: Params, inputs: Mapping[str, str]) -> str:
    settings = stage.settings_of(params)
    code = code_of(stage.module, settings.modules)
    return stage_digest(code, settings.by_section(), {**outside_digests(settings), **inputs})


def _why(stage: Stage, params: Params, inputs: Mapping[str, str], digest: str) -> str:
    before = _newest(stage.name)
    if before is None:
        reason = "never run"
    else:
        settings = stage.settings_of(params)
        code = code_of(stage.module, settings.modules)
        changes = differences(before, {**outside_digests(settings), **inputs}, settings.by_section(), code)
        reason = "; ".join(changes) or "not in the store"
    return f"{reason}; resumes" if partial_of(output_of(stage.name, digest)).exists() else reason


def _newest(stage: str) -> StageReport | None:
    complete = output_of(stage, "*").parent.glob(f"*/{STAGE_FILE}")
    for path in sorted(complete, key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(ValueError):  # a damaged one says nothing
            return StageReport.read(path.parent)
    return None
