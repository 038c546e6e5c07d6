"""Settings: every params file of the project holds, and mistakes are told in one line."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from default_settings import faces_data, folder_data

from videmo.settings.errors import SettingError
from videmo.settings.kinds import Section
from videmo.settings.layers import stack
from videmo.settings.params import Params, check_params, explain, load_params, resolve

ROOT = Path(__file__).parents[2]
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n" for below, name in pairwise("abcdefghi")
)
FILES = [ROOT / "params.yaml", *sorted((ROOT / "params").glob("*.yaml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_params_file_of_the_project_is_valid(path):
    assert isinstance(load_params(path), Params)


def test_params_yaml_names_every_setting_so_that_dvc_sees_a_change_of_any():
    def keys(settings, prefix=""):
        for key, value in settings.items():
            yield from keys(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}"]

    named = set(keys(yaml.safe_load((ROOT / "params.yaml").read_text())))
    assert named == set(keys(load_params(ROOT / "params.yaml").model_dump()))


def test_what_params_yaml_gives_a_value_has_no_other_default():
    def defaults(section):
        for name, field in type(section).model_fields.items():
            value = getattr(section, name)
            if isinstance(value, Section):
                yield from defaults(value)
            elif value is not None and name != "source" and not field.is_required():
                yield name

    assert list(defaults(load_params(ROOT / "params.yaml"))) == []


def test_without_a_params_yaml_at_hand_the_project_s_lies_below_the_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_params(overrides=["rl.steps=3"]).rl.steps == 3
    (tmp_path / "params.yaml").write_text("rl: {kl: 0.5}\n")
    layers = stack([], [])
    assert resolve(layers).rl == load_params(overrides=["rl.kl=0.5"]).rl
    assert layers.origins["rl.kl"] == "params.yaml" != layers.origins["rl.steps"]


@pytest.mark.parametrize("size", ["3b", "7b"])
def test_the_papers_settings_are_the_papers(size):
    files = ["paper-3b.yaml"] if size == "3b" else ["paper-3b.yaml", "paper-7b.yaml"]
    params = load_params([ROOT / "params" / name for name in files])
    assert params.backbone.name == f"Qwen/Qwen2.5-VL-{size.upper()}-Instruct"
    assert params.backbone.max_pixels == 128 * 28 * 28 >= params.data.frame_size**2
    assert params.data.frames == 16
    for level in (params.sft.attribute, params.sft.expression, params.sft.emotion):
        assert (level.epochs, level.learning_rate) == (3, 2e-5)
        assert params.sft.batch_clips * params.sft.accumulation * level.samples_per_clip == 1024
    assert (params.sft.warmup, params.sft.weight_decay) == (0.03, 0)
    rollouts = params.rl.branching[0] * params.rl.branching[1] * params.rl.branching[2]
    assert (rollouts, params.rl.learning_rate, params.rl.batch_clips) == (8, 1e-5, 128)
    assert params.evaluation.max_new_tokens == 2048
    assert (params.execution.processes, params.execution.zero_stage) == (8, 3)


def test_files_stack_and_each_value_says_which_of_them_it_comes_from(tmp_path):
    for name, text in {"base": "rl: {steps: 9, kl: 0.5}\n", "mine": "rl: {kl: 0.1}\nsft: {lora: {rank: 8}}\n"}.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    layers = stack([tmp_path / "base.yaml", tmp_path / "mine.yaml"], ["rl.seed=4"])
    params = resolve(layers)
    assert (params.rl.steps, params.rl.kl, params.rl.seed, params.rl.batch_clips) == (9, 0.1, 4, 40)

    def told(key):
        return [line.partition("  ")[2] for line in explain(params, layers, key)]

    assert told("rl.steps") == [f"({tmp_path}/base.yaml)"]
    assert told("rl.kl") == [f"({tmp_path}/mine.yaml)"]
    assert told("rl.seed") == ["(--set rl.seed=4)"]
    assert told("rl.batch_clips") == ["(params.yaml)"]
    assert told("sft.lora") == [f"({tmp_path}/mine.yaml)", "(the default of sft.lora)", "(the default of sft.lora)"]
    assert explain(params, layers, "rl.kl") == [f"rl.kl = 0.1  ({tmp_path}/mine.yaml)"]
    with pytest.raises(SettingError, match=r"--explain rl\.stepz: no such setting; did you mean rl\.steps\?"):
        explain(params, layers, "rl.stepz")


def test_a_section_that_a_higher_layer_switches_off_is_off(tmp_path):
    (tmp_path / "base.yaml").write_text("sft: {lora: {rank: 8}}\n")
    layers = stack([tmp_path / "base.yaml"], ["sft.lora=null"])
    assert resolve(layers).sft.lora is None
    assert explain(resolve(layers), layers, "sft.lora") == ["sft.lora = None  (--set sft.lora=null)"]


def test_the_settings_saved_with_a_run_are_complete_and_make_the_same_run_again(tmp_path):
    params = load_params(
        ROOT / "params" / "smoke.yaml", ["promotion.task_tolerances={head_pose: 5.0}", "sft.lora.rank=4"]
    )
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json")))
    assert load_params(tmp_path / "params.yaml") == params
    assert check_params(yaml.safe_load((tmp_path / "params.yaml").read_text())) == params


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("rl.stepz=3", "rl.stepz: no such setting; did you mean steps?"),
        ("rll.steps=3", "rll: no such setting; did you mean rl?"),
        ("rl.steps=0", "rl.steps = 0"),
        ("rl.branching=[2, 0, 2]", "use [2, 1, 2]"),
        ("promotion.task_tolerances={head_poze: 5}", "head_poze is not a task; did you mean head_pose?"),
        ("promotion.task_tolerances.head_pose=-1", "promotion.task_tolerances.head_pose = -1"),
        ("promotion.task_tolerances.head_pose=yes", "promotion.task_tolerances.head_pose = True"),
        ("promotion.model_name=it's", "promotion.model_name"),
        ("execution.offload=true", "execution.zero_stage 2 or 3"),
        ("data.source=folder", "data.path is missing"),
        ("data.frame_size=100", "multiple of 28"),
        ("steps=3", "use section.key=value"),
        ("rl.steps", "use section.key=value"),
        ("rl.steps.more=3", "rl.steps"),
        ("rl.branching=[2", "not a YAML value"),
        ("rl.branching=[2, 2]", "rl.branching = [2, 2]: must have more than 2 values"),
        ("rl.branching=[yes, 2, 2]", "must not be true or false (YAML reads yes, no, on and off as these)"),
        ("rl.steps=yes", "rl.steps = True: must not be true or false"),
        ("data.test_share=off", "must not be true or false (YAML reads yes, no, on and off as these)"),
        ("rl.reward=3", "rl.reward = 3: must be a section with settings edit_lambda"),
        ("data.seed=-1", "data.seed = -1"),
        ("sft.seed=4294967296", "sft.seed = 4294967296"),
        ("rl.branching=[1000, 1000, 1000]", "1000000000 leaves; use at most 1024 in all"),
        ("rl.reward={tree_weight: 0, qa_weight: 0, format_weight: 0}", "every weight is 0"),
        ("rl.learning_rate=1.0e+308", "rl.learning_rate = 1e+308"),
        ("rl.temperature=1.0e+308", "rl.temperature = 1e+308"),
        ("rl.reward.similar=[{aspect: emotoin, items: [fear, anxiety], cost: 0.2}]", "did you mean emotion?"),
        ("rl.reward.similar=[{aspect: emotion, items: [fear, anxeity], cost: 0.2}]", "did you mean anxiety?"),
        ("validation.min_columns=34", "validation.min_columns = 34"),
        ("rl.question_clips=41", "rl.question_clips = 41: must not exceed rl.batch_clips = 40"),
        ("execution.workers=100000", "execution.workers = 100000"),
        ("evaluation.endpoint={url: 'http://h/v1'}", "evaluation.endpoint.model is missing"),
        (f"backbone.dtype={'x' * 20000}", "backbone.dtype = 'xxx"),
        ("rl..steps=3", "use section.key=value"),
        (".steps=3", "use section.key=value"),
        ("sft.lora.rnk=8", "sft.lora.rnk: no such setting; did you mean rank?"),
        ("sft.lora.rank=0", "sft.lora.rank = 0"),
        ("sft.attribute.epochs=.inf", "sft.attribute.epochs = inf: Input should be a finite number"),
        ("sft.attribute.epochs=.nan", "finite number"),
        ("data.people=1", "data.people = 1"),
        (
            "execution.processes=5",
            "execution.processes = 5: sft.batch_clips * sft.accumulation = 2 gives some of them no clip",
        ),
        (
            "data.frame_size=336",
            "data.frame_size = 336: 112896 pixels a frame, over backbone.max_pixels = 100352; use at most 308",
        ),
        ("promotion.model_name=our/model", "promotion.model_name = 'our/model'"),
    ],
)
def test_a_wrong_setting_is_told_on_one_line_with_its_key(override, message):
    with pytest.raises(SettingError) as refused:
        load_params(ROOT / "params.yaml", [override])
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("file", "changes", "expected"),
    [
        ("", ["rl.steps=-1"], "--set rl.steps=-1: rl.steps = -1: "),
        ("rl: {steps: -1}", [], "FILE: rl.steps = -1: "),
        ("rl: {steps: -1}", ["rl.kl=0.1"], "FILE: rl.steps = -1: "),
        ("rl: {steps: 3}", ["rl.steps=0"], "--set rl.steps=0: rl.steps = 0: "),
        ("sft: {lora: {rnk: 8}}", ["rl.steps=3"], "FILE: sft.lora.rnk: no such setting"),
        ("", ["sft.lora.rank=0"], "--set sft.lora.rank=0: sft.lora.rank = 0: "),
        ("", ["rl.branching=[2, 2]"], "--set rl.branching=[2, 2]: rl.branching = [2, 2]: must have more than 2 values"),
        ("", ["rl.branching=[2, 0, 2]"], "--set rl.branching=[2, 0, 2]: rl.branching = [2, 0, 2]: every level"),
        ("", ["data.frames=3"], "--set data.frames=3: data.frames = 3: "),
        ("evaluation: {endpoint: {url: 'http://h'}}", [], "FILE: evaluation.endpoint.model is missing"),
        ("execution: {processes: 5}", ["rl.steps=3"], "params.yaml, FILE: execution.processes = 5: sft.batch_clips"),
        (
            "rl: {question_clips: 9}",
            ["rl.batch_clips=8"],
            "FILE, --set rl.batch_clips=8: rl.question_clips = 9: must not exceed rl.batch_clips = 8",
        ),
    ],
)
def test_a_refusal_begins_with_the_file_or_the_option_that_the_value_comes_from(tmp_path, file, changes, expected):
    path = tmp_path / "mine.yaml"
    path.write_text(file)
    with pytest.raises(SettingError) as refused:
        load_params(path if file else (), changes)
    assert str(refused.value).startswith(expected.replace("FILE", str(path)))


def test_a_refusal_does_not_show_the_key_that_a_url_may_hold():
    for change in (
        "evaluation.endpoint={url: 'http://me:SECRET@h/v1', model: m}",
        "rl.reward.scorer.url=http://SECRET@h",
    ):
        with pytest.raises(SettingError) as refused:
            load_params((), [change])
        assert str(refused.value).startswith(f"--set {change.partition('=')[0]}: ")
        assert "SECRET" not in str(refused.value)


def test_refusals_of_one_layer_share_its_name_and_those_of_another_have_theirs(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("sft: {warmup: 2, seed: -1}")
    with pytest.raises(SettingError) as refused:
        load_params(path, ["rl.steps=0"])
    told = str(refused.value)
    assert re.findall(rf"{path}: |--set rl\.steps=0: |(?:sft|rl)\.\w+ = ", told) == [
        f"{path}: ", "sft.warmup = ", "sft.seed = ", "--set rl.steps=0: ", "rl.steps = "
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.source=fodler"], "data.source = 'fodler': no such source; there are faces, folder"),
        (["data.source=3"], "data.source = 3: no such source"),
        (["data=3"], "use section.key=value"),
        (["data.path=x"], "data.path: not a setting of source faces, which has source, seed, test_share"),
        (["data.source=folder"], "data.path is missing: data.source = folder needs it"),
        (["data.source=folder", "data.path=''"], "data.path = '': name the directory"),
        (["data.source=folder", "data.path=null"], "data.path = None: name the directory"),
        (
            ["data.source=folder", "data.path=x", "data.people=3"],
            "data.people: not a setting of source folder, which has",
        ),
        (["data.people=3", "data.source=folder", "data.path=x"], "data.people: not a setting of source folder"),
        (["data.source=folder", "data.path=x", "data.lables=y"], "data.lables: no such setting; did you mean labels?"),
        (["data.source=folder", "data.path=x", "data.seed=-1"], "data.seed = -1: Input should be greater"),
        (["data.seed=yes", "data.frames=3"], "data.seed = True: must not be true or false"),
    ],
)
def test_a_source_takes_its_own_settings_alone(overrides, message):
    with pytest.raises(SettingError) as refused:
        load_params(ROOT / "params.yaml", overrides)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_layer_that_names_another_source_drops_what_the_layers_below_said_and_it_does_not_have(tmp_path):
    (tmp_path / "folder.yaml").write_text("data: {source: folder, path: videos, labels: mine.csv, frames: 4}\n")
    layers = stack([tmp_path / "folder.yaml"], [])
    data = resolve(layers).data
    assert data == folder_data(Path("videos"), labels="mine.csv", frames=4)
    assert "data.people" not in layers.origins
    assert explain(resolve(layers), layers, "data.max_rejected") == ["data.max_rejected = 0.2  (params.yaml)"]
    back = resolve(stack([tmp_path / "folder.yaml"], ["data.source=faces", "data.people=7"])).data
    assert back == faces_data(people=7, frames=4)  # with clips_per_person as below folder.yaml
    (tmp_path / "above.yaml").write_text("data: {people: 7}\n")
    with pytest.raises(SettingError, match=r"data\.people: not a setting of source folder"):
        load_params([tmp_path / "folder.yaml", tmp_path / "above.yaml"])


@pytest.mark.parametrize("changes", [["data.source=folder", "data.path=x"], ["data.path=x", "data.source=folder"]])
def test_a_folder_of_videos_is_chosen_by_two_changes_in_any_order(changes):
    data = load_params(ROOT / "params.yaml", changes).data
    assert (data, data.videos, data.made) == (folder_data(Path("x")), Path("x"), 0)


def test_the_settings_of_a_folder_saved_with_a_run_make_the_same_run_again(tmp_path):
    params = load_params(ROOT / "params.yaml", ["data.source=folder", "data.path=videos", "data.labels=a.json"])
    saved = tmp_path / "params.yaml"
    saved.write_text(yaml.safe_dump(params.model_dump(mode="json")))
    assert load_params(saved) == check_params(yaml.safe_load(saved.read_text())) == params
    assert params.data.labels == "a.json"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "not list"),
        ("a: [", "not a readable YAML"),
        ("", "empty"),
        ("rl: {}\nrl: {}", "duplicate key 'rl'"),
        ("a: 2024-13-45", "month must be in"),
        ("a: 0x_", "not a readable YAML"),
        ("a: " + "[" * 3000, "nested too deeply"),
        (
            "".join(
                f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9) if i else 'x'}]\n"
                for i in range(9)
            ),
            "too many values",
        ),
        (
            "\n".join(
                f"{chr(97 + i)}: &{chr(97 + i)} {{<<: [{', '.join([f'*{chr(96 + i)}'] * 9)}]}}" if i else "a: &a {x: 1}"
                for i in range(9)
            ),
            "too many values",
        ),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content, message):
    (tmp_path / "p.yaml").write_text(content)
    with pytest.raises(SettingError, match=message):
        load_params(tmp_path / "p.yaml")


def test_a_missing_file_is_refused_by_its_name():
    with pytest.raises(SettingError, match=r"nope\.yaml: no such params file"):
        load_params(Path("nope.yaml"))


def test_settings_survive_the_way_through_a_pipeline_that_knows_only_floats():
    params = load_params(ROOT / "params.yaml", ["rl.branching=[3,1,2]"])
    through = {
        section: {key: float(value) if type(value) is int else value for key, value in settings.items()}
        for section, settings in params.model_dump(mode="json", exclude_none=True).items()
    }
    assert check_params(through) == params


def test_a_section_that_is_off_can_be_set_by_its_keys():
    params = load_params(ROOT / "params.yaml", ["sft.lora.rank=8"])
    assert params.sft.lora is not None
    assert (params.sft.lora.rank, params.sft.lora.alpha) == (8, 32)


def test_yes_and_no_are_values_where_they_are_asked_for():
    assert load_params(ROOT / "params.yaml", ["backbone.freeze_vision=yes"]).backbone.freeze_vision


def test_a_file_that_may_not_be_read_is_told_in_one_line(tmp_path):
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(SettingError, match=r"folder\.yaml: cannot be read: Is a directory"):
        load_params(tmp_path / "folder.yaml")


def test_a_params_file_may_share_values_by_anchor(tmp_path):
    levels = "sft:\n  attribute: &level {epochs: 2}\n  expression: {<<: *level, replay: 0.5}\n"
    (tmp_path / "p.yaml").write_text(levels)
    expression = load_params(tmp_path / "p.yaml").sft.expression
    assert (expression.epochs, expression.replay) == (2, 0.5)


def test_a_smoke_run_replaces_no_real_champion():
    names = [load_params(ROOT / path).promotion.model_name for path in ("params.yaml", "params/smoke.yaml")]
    assert len(set(names)) == 2
