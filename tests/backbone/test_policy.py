from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration

from videmo.backbone.loading import load_policy, save_policy
from videmo.backbone.qwen2_5_vl.tiny import TAGS, random_policy
from videmo.backbone.weights_check import TINY


def test_the_tiny_base_model_opens_in_plain_transformers() -> None:
    model = Qwen2_5_VLForConditionalGeneration.from_pretrained(TINY)
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    assert 1e6 < sum(parameter.numel() for parameter in model.parameters()) < 8e6
    assert (TINY / "model.safetensors").stat().st_size <= 8e6
    assert tokenizer.decode(tokenizer.encode("hair colour: black")) == "hair colour: black"


def test_a_saved_policy_loads_with_the_same_weights(tmp_path: Path) -> None:
    policy = random_policy(seed=3)
    save_policy(policy, tmp_path / "model")
    again = load_policy(tmp_path / "model")
    for name, weight in policy.model.state_dict().items():
        assert torch.equal(weight, again.model.state_dict()[name]), name


def test_every_tag_is_one_token_of_the_tiny_tokenizer() -> None:
    tokenizer = AutoTokenizer.from_pretrained(TINY)
    for tag in TAGS:
        assert len(tokenizer.encode(tag)) == 1


def test_video_question_and_answer_are_the_pieces_of_the_rendered_template() -> None:
    policy = random_policy(seed=0)
    video = policy.pack(np.zeros((4, 84, 84, 3), dtype=np.uint8))
    whole = torch.cat([policy.video_tokens(video), policy.question_tokens("Who?"), policy.answer_tokens("me")])
    pads = "<|video_pad|>" * video.tokens
    assert policy.tokenizer.decode(whole.tolist()) == (
        f"<|im_start|>user\n<|vision_start|>{pads}<|vision_end|>Who?<|im_end|>\n<|im_start|>assistant\nme<|im_end|>"
    )
    assert policy.decode(policy.answer_tokens("me")) == "me"


def test_frames_pack_in_the_order_of_a_patch_by_patch_loop() -> None:
    policy = random_policy(seed=0)
    frames = np.random.default_rng(0).integers(0, 255, (4, 56, 84, 3), dtype=np.uint8)
    video = policy.pack(frames)
    mean, std = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
    values = (frames / 255 - mean) / std
    rows = [
        values[2 * t : 2 * t + 2, 28 * h + 14 * i : 28 * h + 14 * i + 14, 28 * w + 14 * j : 28 * w + 14 * j + 14]
        .transpose(3, 0, 1, 2)
        .ravel()
        for t in range(2)
        for h in range(2)
        for w in range(3)
        for i in range(2)
        for j in range(2)
    ]
    assert video.grid.tolist() == [2, 4, 6]
    assert np.allclose(video.pixels.numpy(), np.stack(rows), atol=1e-5)


def test_frames_that_do_not_divide_into_patches_are_refused() -> None:
    policy = random_policy(seed=0)
    with pytest.raises(ValueError, match=r"data\.frames = 3"):
        policy.pack(np.zeros((3, 84, 84, 3), dtype=np.uint8))
