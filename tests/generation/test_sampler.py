import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch

from videmo.backbone.qwen2_5_vl.tiny import random_policy
from videmo.backbone.video import Video
from videmo.generation.prompts import by_video
from videmo.generation.sampler import Sampler
from videmo.generation.samplers import open_sampler
from videmo.generation.vllm import one_pad


def clip(tokens):
    return Video(torch.zeros(tokens * 4, 3), torch.tensor([1, 2, tokens * 2]), tokens)


def test_prompts_about_a_clip_stay_together_in_chunks_of_so_many_tokens():
    a, b, c = clip(4), clip(4), clip(9)
    prompts = [(a, "1"), (b, "1"), (c, "1"), (a, "2"), (c, "2")]
    assert list(by_video(prompts, 8)) == [[0, 3, 1], [2, 4]]
    assert list(by_video(prompts, 1)) == [[0, 3], [1], [2, 4]]
    assert list(by_video(prompts, 100)) == [[0, 3, 1, 2, 4]]


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here")
def test_vllm_is_refused_where_it_is_not_installed():
    with pytest.raises(ValueError, match=r"evaluation.sampler = vllm: vLLM is not installed here; use hf"):
        open_sampler("evaluation.sampler", "vllm", random_policy(0))


def test_a_video_is_one_pad_to_vllm():
    assert one_pad([5, 9, 9, 9, 6, 7], pad=9) == [5, 9, 6, 7]


@pytest.mark.parametrize("missing", ["answer", "grow", "follow"])
def test_a_sampler_without_one_of_its_methods_cannot_be_made(missing):
    methods = {name: (lambda *_: None) for name in ("answer", "grow", "follow") if name != missing}
    with pytest.raises(TypeError, match=missing):
        type("Half", (Sampler,), methods)()


def test_the_interface_imports_none_of_its_samplers():
    source = (
        "import sys, videmo.generation.sampler; print([n for n in sys.modules if n.startswith('videmo.generation')])"
    )
    loaded = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True).stdout
    assert "videmo.generation.sampler" in loaded
    assert not any(name in loaded for name in ("generation.hf", "generation.vllm", "generation.samplers"))
