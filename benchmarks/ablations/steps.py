"""The settings that are compared, as chains of stages: what they share has one digest, and is made once.

The rows are those of the pipeline's table where it has them, so that the store knows them too; only the settings and
the inputs differ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

from videmo.pipeline.dag import TABLE, Stage, digest_for, output_of
from videmo.settings.layers import Layers
from videmo.settings.params import Params, check_params
from videmo.settings.reading import change_of
from videmo.stages.report import faults

CANDIDATES = (2, 4, 8)  # of reasoning; one candidate is the policy itself
RL = ("chain_grpo", "chain_grpo_tree_reward", "tree_grpo")
SETTINGS = (
    *("base", "mixed", "attribute_only", "expression_only", "emotion_only", "attribute_expression", "curriculum"),
    *RL,
    *(f"reasoning_{n}" for n in CANDIDATES),
)

MIXED = replace(
    TABLE["sft_attribute"], name="sft_mixed", after=(), arguments={"level": "mixed"}
)  # all levels together, in as many steps as the curriculum


@dataclass(frozen=True)
class Step:
    """A stage with its settings and the steps whose outputs it reads."""

    stage: Stage
    params: Params
    inputs: tuple[Step, ...]
    digest: str

    @property
    def output(self) -> Path:
        return output_of(self.stage.name, self.digest)

    @property
    def done(self) -> bool:
        return self.output.exists() and not faults(self.output)

    @property
    def current(self) -> bool:
        """Whether the code that it depends on is still that of its digest."""
        return _digest(self.stage, self.params, self.inputs) == self.digest

    def chain(self) -> list[Step]:
        """Every step that this one needs, in order, and itself at the end."""
        return [*(before for source in self.inputs for before in source.chain()), self]


def steps_of(params: Params, seed: int) -> dict[str, Step]:
    """For each setting the step that answers the test questions, training with `seed`; the data stay as they are."""
    params = changed(params, f"sft.seed={seed}", f"rl.seed={seed}")
    leaves = prod(params.rl.branching)
    chain = changed(params, f"rl.branching=[{leaves}, 1, 1]")
    plain_chain = changed(chain, "rl.reward.tree_weight=0")
    data = _step(TABLE["data_build"], params)
    attribute = _step(TABLE["sft_attribute"], params, data)
    expression = _step(TABLE["sft_expression"], params, data, attribute)
    curriculum = _step(TABLE["sft_emotion"], params, data, expression)
    tree = _step(TABLE["tree_rl"], params, data, curriculum)
    policies = {
        "mixed": _step(MIXED, params, data),
        "attribute_only": attribute,
        "expression_only": _step(TABLE["sft_expression"], params, data),
        "emotion_only": _step(TABLE["sft_emotion"], params, data),
        "attribute_expression": expression,
        "curriculum": curriculum,
        "chain_grpo": _step(TABLE["tree_rl"], plain_chain, data, curriculum),
        "chain_grpo_tree_reward": _step(TABLE["tree_rl"], chain, data, curriculum),
        "tree_grpo": tree,
    }
    answered = {setting: _answers(params, data, policy) for setting, policy in policies.items()}
    for n in CANDIDATES:
        searching = changed(params, f"reasoning.candidates={n}")
        answered[f"reasoning_{n}"] = _step(TABLE["answers_rl_reasoning"], searching, data, tree, answered["tree_grpo"])
    return {"base": _step(TABLE["answers_base"], params, data), **answered}


def changed(params: Params, *changes: str) -> Params:
    """`params` with changes as `--set` takes them."""
    layers = Layers(params.model_dump(mode="json"))
    for change in changes:
        layers.add(change_of(change, layers.values), change)
    return check_params(layers.values)


def _answers(params: Params, data: Step, policy: Step) -> Step:
    """The step in which a policy answers, by the row that the pipeline's table has for it."""
    model = "rl" if policy.stage.name == "tree_rl" else policy.stage.name
    row = TABLE.get(f"answers_{model}") or replace(TABLE["answers_base"], name=f"answers_{model}")
    return _step(row, params, data, policy)


def _step(stage: Stage, params: Params, *inputs: Step) -> Step:
    row = replace(stage, inputs=tuple(source.stage.name for source in inputs))
    return Step(row, params, inputs, _digest(row, params, inputs))


def _digest(stage: Stage, params: Params, inputs: tuple[Step, ...]) -> str:
    return digest_for(stage, params, {source.stage.name: source.digest for source in inputs})
