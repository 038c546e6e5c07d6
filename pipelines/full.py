"""From videos to a promoted model."""

import sys
from pathlib import Path

from kfp import dsl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the components, from wherever this is compiled

from components.curriculum_sft.component import curriculum_sft
from components.data_build.component import data_build
from components.data_validation.component import data_validation
from components.face15_eval.component import face15_eval
from components.gate.component import gate
from components.promotion.component import promotion
from components.report.component import report
from components.tree_rl.component import tree_rl
from videmo.orchestration.placement import place


@dsl.pipeline(name="videmo-full", description="data, curriculum, tree RL, face-15, promotion")
def full(params: dict, run: dict):
    """`params` are the resolved settings, `run` is {"name": ..., "fresh": whether to make stored outputs again}."""
    page = place(report(params=params, run=run), "report")
    with dsl.ExitHandler(page, name="steps"):
        built = place(data_build(params=params, run=run), "data_build")
        data = built.outputs["data"]
        valid = place(data_validation(params=params, run=run, data=data), "data_validation")

        learn = {"params": params, "run": run, "data": data}
        attribute = place(curriculum_sft(level="attribute", **learn), "sft_attribute").after(valid)
        attributes = attribute.outputs["policy"]
        expression = place(curriculum_sft(level="expression", previous=attributes, **learn), "sft_expression")
        expressions = expression.outputs["policy"]
        emotion = place(curriculum_sft(level="emotion", previous=expressions, **learn), "sft_emotion")
        emotions = emotion.outputs["policy"]
        improved = place(tree_rl(policy=emotions, **learn), "tree_rl").outputs["improved"]

        models = {"attribute": attributes, "expression": expressions, "emotion": emotions, "rl": improved}
        scores = place(face15_eval(**models, **learn), "face15_eval").outputs["scores"]

        judged = {"scores": scores, "policy": improved, **learn}
        passed = place(gate(**judged), "gate").set_caching_options(False)
        with dsl.If(passed.output == True, name="the challenger passes"):  # noqa: E712
            place(promotion(**judged), "promotion")
