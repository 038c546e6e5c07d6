"""What several rooms test with: a small data set of drawn faces, and a tiny policy that has learnt to say two trees."""

import json
import shutil
from pathlib import Path

import pytest
from default_settings import params_with
from hypothesis import Phase, settings
from xdist.scheduler import LoadScopeScheduling

TREES = (
    "<attribute>age: young; gender: male</attribute><expression>brows: raised</expression>"
    "<emotion>emotion: fear</emotion>",
    "<attribute>age: elderly; gender: female</attribute><expression>brows: lowered; jaw: dropped</expression>"
    "<emotion>emotion: anger</emotion>",
)
# How long an example takes depends on what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
# For `make mutation`: the same examples in every run, and a failing one is not made smaller first.
settings.register_profile(
    "mutation", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
)

SPEAKS = 0.12  # nats a token; the choice between two trees alone is about 0.03


@pytest.fixture(scope="session")
def one_thread():
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def built_data(tmp_path_factory) -> Path:
    from videmo.data import build
    from videmo.settings.sections import DataBuildSettings

    output = tmp_path_factory.mktemp("built") / "data_build"
    settings = {"people": 4, "clips_per_person": 2, "frames": 2, "frame_size": 56, "max_rejected": 1.0}
    params = params_with({"data": settings, "execution": {"workers": 1}})
    build.run(DataBuildSettings.of(params, "data_build"), {}, output)
    return output


@pytest.fixture(scope="session")
def noise_videos():
    """Four clips of noise, each of its own."""
    import numpy as np

    from videmo.backbone.qwen2_5_vl.tiny import random_policy

    policy, rng = random_policy(0), np.random.default_rng(0)
    return [policy.pack(rng.integers(0, 255, (2, 56, 56, 3), dtype=np.uint8)) for _ in range(4)]


@pytest.fixture(scope="session")
def speaking_policy(noise_videos, one_thread):
    """A policy that says one of TREES when asked for a full caption: well enough to close its segments, and not so well
    that every sample is the same."""
    import torch

    from videmo.backbone.prefix_tree import PrefixTree, Segment, collate, token_logprobs
    from videmo.backbone.qwen2_5_vl.tiny import random_policy
    from videmo.tasks.catalog import PARTS

    policy = random_policy(0)
    trees = []
    for video in noise_videos:
        answers = [Segment(policy.answer_tokens(text), 1) for text in TREES]
        question = Segment(policy.question_tokens(PARTS["fine_caption"].question), 0)
        trees.append(PrefixTree(video, (Segment(policy.video_tokens(video), -1), question, *answers)))
    batch = collate(policy, trees[:2])
    wanted = batch.segment >= 2
    optimizer = torch.optim.AdamW(policy.model.parameters(), lr=3e-3)
    loss = torch.tensor(torch.inf)
    while loss > SPEAKS:
        loss = -token_logprobs(policy, batch, wanted).sum() / wanted.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    policy.model.requires_grad_(True).zero_grad()
    return policy


@pytest.fixture(scope="session")
def speaking_model(speaking_policy, tmp_path_factory) -> Path:
    """`speaking_policy` as the output of sft_emotion."""
    from videmo.backbone.loading import save_policy
    from videmo.stages.report import StageReport

    output = tmp_path_factory.mktemp("spoken") / "sft_emotion"
    save_policy(speaking_policy, output / "model")
    report = StageReport("sft_emotion", "0" * 16, output, {}, 0.0)
    (output / "stage.json").write_text(json.dumps(report.to_json()))
    return output


@pytest.fixture
def chat_server(tmp_path, monkeypatch):
    """A server of large models on this machine; what it replies is kept below `tmp_path`."""
    from chat_server import ChatServer

    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory):
    """An MLflow database with its tables made, which takes seconds, and nothing in them."""
    from videmo.registry.tracking import connect, tracking_uri

    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("MLFLOW_TRACKING_URI", raising=False)
        environment.setenv("VIDEMO_HOME", str(tmp_path_factory.mktemp("registry")))
        connect().search_experiments()
        # A copy, as MLflow goes on to write to the database that it was last told of.
        return shutil.copy(tracking_uri().removeprefix("sqlite:///"), tmp_path_factory.mktemp("empty"))


class TogetherByFile(LoadScopeScheduling):
    """Side by side, a file's tests stay together, for what they share, and so do those that look at one smoke run."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "e2e" if file.startswith("tests/e2e/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return TogetherByFile(config, log)
