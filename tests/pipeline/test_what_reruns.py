"""What a change of each setting reruns, written by hand: a line for each key of params.yaml."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from videmo.pipeline import dag
from videmo.settings.layers import settings_in
from videmo.settings.params import Params, load_params

ROOT = Path(__file__).parents[2]

JUDGED = {"gate", "promotion"}
SCORED = {"face15_eval", *JUDGED}
REASONED = {"answers_rl_reasoning", *SCORED}
IMPROVED = {"tree_rl", "answers_rl", *REASONED}
TAUGHT_EMOTION = {"sft_emotion", "answers_sft_emotion", *IMPROVED}
TAUGHT_EXPRESSION = {"sft_expression", "answers_sft_expression", *TAUGHT_EMOTION}
TAUGHT = {"sft_attribute", "answers_sft_attribute", *TAUGHT_EXPRESSION}
MODELS = ("base", "sft_attribute", "sft_expression", "sft_emotion", "rl", "rl_reasoning")
ASKED = {f"answers_{model}" for model in MODELS} | SCORED
MODEL = {"answers_base", *TAUGHT}
EVERYTHING = {"data_build", "data_validation", "drift", *MODEL}
NOTHING: set[str] = set()

SERVER = "{url: 'http://h/v1', model: m}"
# fmt: off
RERUN = {  # key: (another value, the stages that run again)
    "data.source": ("folder", EVERYTHING),
    "data.people": (9, EVERYTHING),
    "data.clips_per_person": (9, EVERYTHING),
    "data.seed": (9, EVERYTHING),
    "data.test_share": (0.9, EVERYTHING),
    "data.frames": (4, EVERYTHING),
    "data.frame_size": (56, EVERYTHING),
    "data.max_rejected": (0.9, EVERYTHING),
    "data.shard_clips": (9, EVERYTHING),
    "validation.min_clips": (9, {"data_validation"}),
    "validation.min_columns": (9, {"data_validation"}),
    "validation.max_unknown_share": (0.9, {"data_validation"}),
    "backbone.name": ("owner/model", MODEL),
    "backbone.dtype": ("bfloat16", MODEL),
    "backbone.max_pixels": (90000, MODEL),
    "backbone.freeze_vision": ("false", MODEL),
    "sft.attribute.epochs": (9, TAUGHT),
    "sft.attribute.learning_rate": (0.9, TAUGHT),
    "sft.attribute.replay": (0.9, TAUGHT),
    "sft.attribute.samples_per_clip": (9, TAUGHT),
    "sft.expression.epochs": (9, TAUGHT_EXPRESSION),
    "sft.expression.learning_rate": (0.9, TAUGHT_EXPRESSION),
    "sft.expression.replay": (0.9, TAUGHT_EXPRESSION),
    "sft.expression.samples_per_clip": (9, TAUGHT_EXPRESSION),
    "sft.emotion.epochs": (9, TAUGHT_EMOTION),
    "sft.emotion.learning_rate": (0.9, TAUGHT_EMOTION),
    "sft.emotion.replay": (0.9, TAUGHT_EMOTION),
    "sft.emotion.samples_per_clip": (9, TAUGHT_EMOTION),
    "sft.batch_clips": (9, TAUGHT),
    "sft.accumulation": (9, TAUGHT),
    "sft.warmup": (0.9, TAUGHT),
    "sft.weight_decay": (0.9, TAUGHT),
    "sft.gradient_clip": (9, TAUGHT),
    "sft.lora": ("{rank: 9}", TAUGHT),
    "sft.seed": (9, TAUGHT),
    "rl.branching": ("[2, 1, 1]", IMPROVED),
    "rl.steps": (9, IMPROVED),
    "rl.batch_clips": (99, IMPROVED),
    "rl.question_clips": (9, IMPROVED),
    "rl.learning_rate": (0.9, IMPROVED),
    "rl.temperature": (0.9, IMPROVED),
    "rl.max_segment_tokens": (9, IMPROVED),
    "rl.clip_low": (0.9, IMPROVED),
    "rl.clip_high": (0.9, IMPROVED),
    "rl.kl": (0.9, IMPROVED),
    "rl.advantage_scale": ("group", IMPROVED),
    "rl.aggregation": ("token", IMPROVED),
    "rl.optimisation_epochs": (9, IMPROVED),
    "rl.gradient_clip": (9, IMPROVED),
    "rl.parity_tolerance": (0.9, IMPROVED),
    "rl.reward.edit_lambda": (0.9, IMPROVED),
    "rl.reward.label_cost": (0.9, IMPROVED),
    "rl.reward.similar": ("[{aspect: emotion, items: [fear, anxiety], cost: 0.2}]", IMPROVED),
    "rl.reward.tree_weight": (0.9, IMPROVED),
    "rl.reward.qa_weight": (0.9, IMPROVED),
    "rl.reward.format_weight": (0.9, IMPROVED),
    "rl.reward.scorer": (SERVER, IMPROVED),
    "rl.reward.scorer_weight": (0.9, IMPROVED),
    "rl.seed": (9, IMPROVED),
    "reasoning.candidates": (9, REASONED),
    "reasoning.temperature": (0.9, REASONED),
    "reasoning.likelihood_weight": (0.9, REASONED),
    "evaluation.judge": ("endpoint", SCORED),
    "evaluation.endpoint": (SERVER, SCORED),
    "evaluation.max_clips": (9, ASKED),
    "evaluation.sampler": ("vllm", ASKED),
    "evaluation.max_new_tokens": (9, ASKED),
    "evaluation.resamples": (9, SCORED),
    "evaluation.seed": (9, REASONED),
    "promotion.min_gain": (9, JUDGED),
    "promotion.task_tolerance": (9, JUDGED),
    "promotion.task_tolerances": ("{head_pose: 9}", JUDGED),
    "promotion.model_name": ("other", JUDGED),
    "execution.workers": (9, NOTHING),
    "execution.sft_checkpoint_steps": (9, NOTHING),
    "execution.rl_checkpoint_steps": (9, NOTHING),
    "execution.answer_batch": (9, NOTHING),
    "execution.micro_tokens": (9, NOTHING),
    "execution.processes": (2, NOTHING),
    "execution.zero_stage": (3, NOTHING),
    "execution.offload": ("true", NOTHING),
    "execution.endpoint.concurrency": (9, NOTHING),
    "execution.endpoint.requests_per_minute": (9, NOTHING),
    "execution.endpoint.timeout": (9, NOTHING),
    "execution.endpoint.retries": (9, NOTHING),
    "execution.endpoint.max_requests": (9, NOTHING),
}
# fmt: on
ALONG = {  # what a value needs beside it
    "data.source": ["data.path=params"],
    "evaluation.judge": [f"evaluation.endpoint={SERVER}"],
    "execution.offload": ["execution.zero_stage=2"],
}


@pytest.fixture(scope="module")
def digests(tmp_path_factory):
    """The digests of the stages with changes to params.yaml; code is read once a module. The report is left out, which
    every run writes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDEMO_HOME", str(tmp_path_factory.mktemp("home")))
        patch.chdir(ROOT)
        patch.setattr(dag, "code_of", cache(dag.code_of))

        @cache
        def told(*changes: str) -> dict[str, str]:
            return chain(load_params(ROOT / "params.yaml", changes))

        yield told


def chain(params: Params) -> dict[str, str]:
    found: dict[str, str] = {}
    for stage in (stage for stage in dag.STAGES if stage.name != "report"):
        found[stage.name] = dag.digest_for(stage, params, {name: found[name] for name in stage.inputs})
    return found


def test_every_setting_has_its_line():
    assert list(RERUN) == list(settings_in(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))))


@pytest.mark.parametrize("key", RERUN)
def test_a_setting_reruns_the_stages_of_its_line_and_no_other(key, digests):
    value, rerun = RERUN[key]
    before, after = digests(), digests(f"{key}={value}", *ALONG.get(key, ()))
    assert {stage for stage in before if before[stage] != after[stage]} == rerun


def test_the_digests_are_those_of_the_plan(digests):
    planned = {step.stage: step.digest for step in dag.plan(load_params(ROOT / "params.yaml", ["rl.steps=9"]))}
    assert {stage: planned[stage] for stage in planned if stage != "report"} == digests("rl.steps=9")
