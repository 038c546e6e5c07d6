"""From videos to a promoted model."""

import sys
from pathlib import Path

from kfp import dsl
from kfp.dsl.pipeline_channel import PipelineArtifactChannel

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the components, from wherever this is compiled

from components.curriculum_sft.component import curriculum_sft
from components.data_build.component import data_build
from components.data_validation.component import data_validation
from components.face15_answers.component import face15_answers
from components.face15_eval.component import face15_eval
from components.face15_reasoning.component import face15_reasoning
from components.gate.component import gate
from components.promotion.component import promotion
from components.report.component import report
from components.tree_rl.component import tree_rl
from videmo.kubeflow.placement import place


def learn(given: dict, after: dsl.PipelineTask):
    """The curriculum, tree RL, face-15 and the gate, on the data that is `given`."""
    attribute = place(curriculum_sft(level="attribute", **given), "sft_attribute").after(after).outputs["policy"]
    expression = place(curriculum_sft(level="expression", previous=attribute, **given), "sft_expression").outputs[
        "policy"
    ]
    emotion = place(curriculum_sft(level="emotion", previous=expression, **given), "sft_emotion").outputs["policy"]
    policy = place(tree_rl(previous=emotion, **given), "tree_rl").outputs["policy"]

    base = place(face15_answers(model="base", **given), "answers_base").after(after).outputs["answers"]
    rl = answers("rl", policy, given)
    reasoning = place(face15_reasoning(policy=policy, plain=rl, **given), "answers_rl_reasoning").outputs["answers"]
    answered = {
        "base": base,
        "attribute": answers("sft_attribute", attribute, given),
        "expression": answers("sft_expression", expression, given),
        "emotion": answers("sft_emotion", emotion, given),
        "rl": rl,
        "reasoning": reasoning,
    }
    run = {name: given[name] for name in ("params", "run")}
    scores = place(face15_eval(**answered, **run), "face15_eval").outputs["scores"]

    decided = place(gate(policy=policy, base=base, rl=rl, scores=scores, **given), "gate")
    with dsl.If(decided.outputs["Output"] == True, name="the challenger passes"):  # noqa: E712
        place(promotion(decision=decided.outputs["decision"], **run), "promotion")


def answers(model: str, policy: PipelineArtifactChannel, given: dict):
    """What a trained model answers."""
    return place(face15_answers(model=model, policy=policy, **given), f"answers_{model}").outputs["answers"]


@dsl.pipeline(name="videmo-full", description="data, curriculum, tree RL, face-15, promotion")
def full(params: dict, run: dict):
    """`params` are the resolved settings, `run` is {"name": ..., "fresh": whether to make stored outputs again}."""
    with dsl.ExitHandler(place(report(params=params, run=run), "report"), name="steps"):
        data = place(data_build(params=params, run=run), "data_build").outputs["data"]
        valid = place(data_validation(params=params, run=run, data=data), "data_validation")
        learn({"params": params, "run": run, "data": data}, after=valid)
