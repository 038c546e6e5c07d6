"""Every fault of a model's files is told in one line that names the file, before anything is trained."""

import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from videmo.backbone.families import FAMILIES
from videmo.backbone.loading import load_policy
from videmo.backbone.qwen2_5_vl.tiny import random_policy
from videmo.backbone.weights_check import INDEX, TINY, WEIGHTS, check_model, check_policy, check_setting, is_policy
from videmo.settings.errors import SettingError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "model"))


def weights_with(model: Path, change) -> None:
    tensors = load_file(model / WEIGHTS)
    change(tensors)
    save_file(tensors, model / WEIGHTS, {"format": "pt"})


def config_with(model: Path, file: str = "config.json", **changes) -> None:
    content = json.loads((model / file).read_text())
    (model / file).write_text(json.dumps({**content, **changes}))


def drop_every_second(tensors) -> None:
    for name in sorted(tensors)[::2]:
        del tensors[name]


def header(length: int, content: bytes = b"") -> bytes:
    return struct.pack("<Q", length) + content


def whole(content: object) -> bytes:
    text = json.dumps(content).encode()
    return header(len(text), text)


WIDTHS = {"hidden_size": 8, "intermediate_size": 8, "out_hidden_size": 8}
FAULTS = {
    "half of the tensors": (
        lambda m: weights_with(m, drop_every_second),
        r"model\.safetensors: 52 of 104 tensors of the qwen2_5_vl of config\.json are missing, such as model\.",
    ),
    "a tensor too many": (
        lambda m: weights_with(m, lambda t: t.update({"visual.extra.weight": torch.zeros(2)})),
        r"model\.safetensors: 1 tensors are not in the qwen2_5_vl of config\.json, such as visual\.extra\.weight",
    ),
    "another shape": (
        lambda m: weights_with(m, lambda t: t.update({"model.norm.weight": torch.zeros(7)})),
        r"model\.safetensors: model\.norm\.weight has shape \[7\], config\.json asks for \[192\]",
    ),
    "half a file": (
        lambda m: (m / WEIGHTS).write_bytes((m / WEIGHTS).read_bytes()[:3_000_000]),
        r"model\.safetensors: its tensors take \d+ bytes, and \d+ follow the header; the file is not complete",
    ),
    "a header bomb": (
        lambda m: (m / WEIGHTS).write_bytes(header(2**62, b"{}")),
        r"model\.safetensors: its header is said to be \d+ bytes long, in a file of 10; the file is damaged",
    ),
    "an empty file": (lambda m: (m / WEIGHTS).write_bytes(b""), r"model\.safetensors: is 0 bytes long"),
    "a deep header": (
        lambda m: (m / WEIGHTS).write_bytes(header(200_000, b"[" * 200_000)),
        r"model\.safetensors: its header is not JSON",
    ),
    "a header that is a list": (
        lambda m: (m / WEIGHTS).write_bytes(whole([])),
        r"model\.safetensors: its header is not a JSON object",
    ),
    "tensors over one another": (
        lambda m: (m / WEIGHTS).write_bytes(
            whole({n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}) + bytes(4)
        ),
        r"model\.safetensors: tensors overlap or leave gaps",
    ),
    "a shape that does not fit its bytes": (
        lambda m: (m / WEIGHTS).write_bytes(
            whole({"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4]}}) + bytes(4)
        ),
        r"model\.safetensors: the place of a does not fit its shape \[1000000000\]",
    ),
    "pickled weights": (
        lambda m: (m / WEIGHTS).rename(m / "pytorch_model.bin"),
        r"pytorch_model\.bin: pickled weights are never read; convert them to model\.safetensors",
    ),
    "no weights": (lambda m: (m / WEIGHTS).unlink(), r"model\.safetensors: no such file"),
    "no tokenizer": (lambda m: (m / "tokenizer.json").unlink(), r"tokenizer\.json: no such file"),
    "no chat template": (lambda m: (m / "chat_template.jinja").unlink(), r"chat_template\.jinja: no such file"),
    "a vocabulary that does not fit": (
        lambda m: (m / "tokenizer.json").write_text(
            (m / "tokenizer.json").read_text().replace('"id": 1239', '"id": 5000').replace('"id":1239', '"id":5000')
        ),
        r"tokenizer\.json: has token 5000, config\.json has vocab_size = 1280",
    ),
    "another video pad": (
        lambda m: config_with(m, video_token_id=7),
        r"tokenizer\.json: <\|video_pad\|> is 1239, config\.json has video_token_id = 7",
    ),
    "a config that is a list": (lambda m: (m / "config.json").write_text("[]"), r"config\.json: is a JSON list"),
    "a config that is no JSON": (lambda m: (m / "config.json").write_text("{,"), r"config\.json: is not JSON"),
    "a config in another encoding": (
        lambda m: (m / "config.json").write_bytes(b"\xff\xfe{}"),
        r"config\.json: is not JSON",
    ),
    "a config without a type": (lambda m: (m / "config.json").write_text("{}"), r"config\.json: names no model_type"),
    "no config": (lambda m: (m / "config.json").unlink(), r"config\.json: no such file"),
    "another type": (
        lambda m: config_with(m, model_type="llava"),
        r"config\.json: model_type = llava; use a model of qwen2_5_vl",
    ),
    "a billion layers": (
        lambda m: config_with(m, vision_config={**WIDTHS, "depth": 10**9}),
        r"config\.json: depth = 1000000000; must be a whole number from 1 to 1000",
    ),
    "no vision": (lambda m: config_with(m, vision_config=None), r"config\.json: vision_config is missing or no object"),
    "code beside the weights": (
        lambda m: (m / "modeling.py").write_text("raise SystemExit"),
        r"modeling\.py: code beside the weights is never run",
    ),
    "a reference to code": (
        lambda m: config_with(m, auto_map={"AutoModel": "modeling.Model"}),
        r"config\.json: auto_map asks to run code of the model",
    ),
    "a tokenizer's reference to code": (
        lambda m: config_with(m, "tokenizer_config.json", auto_map={"AutoTokenizer": ["a.B", None]}),
        r"tokenizer_config\.json: auto_map asks to run code",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_files_of_a_model_is_told_in_one_line_that_names_the_file(fault, model):
    damage, message = FAULTS[fault]
    damage(model)
    with pytest.raises(ValueError, match=message) as raised:
        check_policy(model)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300
    with pytest.raises(ValueError, match=message):
        load_policy(model)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_refused_by_its_name_when_it_is_loaded(model, value):
    weights_with(model, lambda tensors: tensors["visual.blocks.2.norm1.weight"][3:4].fill_(value))
    check_policy(model)  # the header does not show it
    with pytest.raises(ValueError, match=r"model: weights: model\.visual\.blocks\.2\.norm1\.weight holds values"):
        load_policy(model)


def sharded(model: Path) -> dict[str, str]:
    tensors = load_file(model / WEIGHTS)
    (model / WEIGHTS).unlink()
    places = {name: f"model-0000{1 + number % 2}-of-00002.safetensors" for number, name in enumerate(sorted(tensors))}
    for file in sorted(set(places.values())):
        save_file({name: tensors[name] for name in tensors if places[name] == file}, model / file, {"format": "pt"})
    (model / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return places


def test_weights_in_several_files_load_as_those_in_one(model):
    sharded(model)
    check_policy(model)
    one, several = (load_policy(path).model.state_dict() for path in (TINY, model))
    assert all(torch.equal(one[name], several[name]) for name in one)


def test_a_shard_that_is_missing_or_holds_other_tensors_than_the_index_says_is_named(model):
    places = sharded(model)
    first, second = sorted(set(places.values()))
    name = next(name for name in places if places[name] == first)
    (model / INDEX).write_text(json.dumps({"weight_map": {**places, name: second}}))
    with pytest.raises(ValueError, match=rf"{first}: 1 tensors are not in model\.safetensors\.index\.json"):
        check_policy(model)
    (model / first).unlink()
    with pytest.raises(ValueError, match=rf"{first}: no such file; model\.safetensors\.index\.json names it"):
        check_policy(model)
    (model / INDEX).write_text(json.dumps({"weight_map": {**places, name: "../outside.safetensors"}}))
    with pytest.raises(ValueError, match=r"weight_map must name a file in this directory"):
        check_policy(model)


def test_the_shapes_of_a_family_are_those_of_its_models():
    policy = random_policy(0)
    family = FAMILIES["qwen2_5_vl"]
    built = {family.stored(name): tuple(weight.shape) for name, weight in policy.model.named_parameters()}
    assert family.shapes(policy.config.to_dict()) == built
    untied = family.shapes({**policy.config.to_dict(), "tie_word_embeddings": False})
    assert untied.keys() - built.keys() == {"lm_head.weight"}


def test_published_configs_with_the_language_models_settings_at_the_top_are_understood(model):
    config = json.loads((model / "config.json").read_text())
    published = {**config["text_config"], **config}
    del published["text_config"]
    shapes = FAMILIES[config["model_type"]].shapes
    assert shapes(published) == shapes(config)
    (model / "config.json").write_text(json.dumps(published))
    check_policy(model)


def test_a_model_of_another_family_is_checked_without_knowing_its_shapes(model):
    config_with(model, model_type="llava")
    check_model(model)
    assert not is_policy(model)
    (model / "modeling.py").touch()
    with pytest.raises(ValueError, match=r"modeling\.py: code beside the weights"):
        check_model(model)


def test_the_door_names_the_setting_the_model_and_the_fault(model):
    weights_with(model, drop_every_second)
    for setting, any_family in (("backbone.name", False), ("--model", True)):
        with pytest.raises(SettingError, match=rf"{setting} = {model}: model\.safetensors: 52 of 104 tensors"):
            check_setting(setting, str(model), any_family)
    check_setting("backbone.name", "nobody/has-this-model")


def test_a_run_is_refused_before_it_starts_where_its_backbone_is_damaged(model):
    weights_with(model, drop_every_second)
    command = [sys.executable, "-m", "videmo.cli.kfp", "run", "pipelines/full.py", "--set", f"backbone.name={model}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "52 of 104 tensors" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_check_imports_neither_torch_nor_transformers():
    source = """
import sys
from videmo.backbone.weights_check import TINY, check_policy
check_policy(TINY)
print({"torch", "transformers", "numpy"} & set(sys.modules))
"""
    printed = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
