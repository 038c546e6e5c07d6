from importlib.util import find_spec

import pytest
import torch

from videmo.backbone.frames import Video
from videmo.backbone.tiny import random_policy
from videmo.generation.sampler import by_video, open_sampler
from videmo.generation.vllm import one_pad, segment_seeds


def clip(tokens):
    return Video(torch.zeros(tokens * 4, 3), torch.tensor([1, 2, tokens * 2]))


def test_prompts_about_a_clip_stay_together_in_chunks_of_so_many_tokens():
    a, b, c = clip(4), clip(4), clip(9)
    prompts = [(a, "1"), (b, "1"), (c, "1"), (a, "2"), (c, "2")]
    assert list(by_video(prompts, 2, 8)) == [[0, 3, 1], [2, 4]]
    assert list(by_video(prompts, 2, 1)) == [[0, 3], [1], [2, 4]]
    assert list(by_video(prompts, 2, 100)) == [[0, 3, 1, 2, 4]]


@pytest.mark.skipif(find_spec("vllm") is not None, reason="vLLM is installed here")
def test_vllm_is_refused_where_it_is_not_installed():
    with pytest.raises(ValueError, match=r"evaluation.sampler = vllm: vLLM is not installed here; use hf"):
        open_sampler("evaluation.sampler", "vllm", random_policy(0))


def test_a_video_is_one_pad_to_vllm():
    assert one_pad([5, 9, 9, 9, 6, 7], pad=9) == [5, 9, 6, 7]


def test_every_segment_has_a_seed_of_its_own_and_always_the_same():
    seeds = segment_seeds(3, [4, 8])
    assert [len(level) for level in seeds] == [4, 8]
    assert len({seed for level in seeds for seed in level}) == 12
    assert seeds == segment_seeds(3, [4, 8]) != segment_seeds(4, [4, 8])
