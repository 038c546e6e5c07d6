"""A Qwen2.5-VL unlike the tiny one goes through the same code: windows, tags of several tokens, a system turn."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from videmo.backbone.loading import load_policy, save_policy
from videmo.backbone.prefix_tree import PrefixTree, Segment, collate, token_logprobs
from videmo.backbone.qwen2_5_vl.policy import Qwen25VLPolicy
from videmo.backbone.qwen2_5_vl.tiny import CHAT_TEMPLATE, SPECIAL
from videmo.generation.hf import HfSampler

SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved as a download would lie on disk; the shapes of the 3B model, shrunk."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(["What is the eye colour? blue brown", "<attribute>age: young</attribute>"], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=f"{{{{ {SYSTEM!r} }}}}" + CHAT_TEMPLATE,
    )
    torch.manual_seed(0)
    token = fast.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(fast), "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
        },
        vision_config={
            "depth": 3, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": 64,
            "window_size": 56, "fullatt_block_indexes": [2], "tokens_per_second": 2,
        },
        video_token_id=token("<|video_pad|>"), image_token_id=token("<|image_pad|>"),
        vision_start_token_id=token("<|vision_start|>"), vision_end_token_id=token("<|vision_end|>"),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model")
    save_policy(Qwen25VLPolicy(Qwen2_5_VLForConditionalGeneration(config), fast), path)
    return path


def test_a_local_directory_loads_speaks_and_keeps_its_own_template(directory: Path) -> None:
    policy = load_policy(directory)
    video = policy.pack(np.random.default_rng(0).integers(0, 255, (4, 112, 168, 3), dtype=np.uint8))
    assert policy.decode(policy.question_tokens("Who?")).startswith("Who?")
    assert policy.tokenizer.decode(policy.video_tokens(video)[:4].tolist()).startswith("<|im_start|>")
    assert "helpful assistant" in policy.tokenizer.decode(policy.video_tokens(video).tolist())
    answers = HfSampler(policy).answer([(video, "Who?"), (video, "What is the eye colour?")], max_new_tokens=6)
    assert [len(answer.tokens) <= 6 for answer in answers] == [True, True]


def test_packed_questions_equal_single_ones_under_windowed_attention(directory: Path) -> None:
    policy = load_policy(directory)
    video = policy.pack(np.random.default_rng(1).integers(0, 255, (4, 112, 168, 3), dtype=np.uint8))
    root = Segment(policy.video_tokens(video), -1)

    def branch(question: str, answer: str, place: int) -> list[Segment]:
        return [Segment(policy.question_tokens(question), 0), Segment(policy.answer_tokens(answer), place)]

    one = branch("What is the eye colour?", "blue", 1)
    packed = PrefixTree(video, (root, *one, *branch("Who?", "brown", 3)))
    single = PrefixTree(video, (root, *one))
    together, alone = (collate(policy, [tree]) for tree in (packed, single))
    expected = token_logprobs(policy, alone, alone.segment == 2)[alone.segment == 2]
    assert torch.allclose(
        token_logprobs(policy, together, together.segment == 2)[together.segment == 2], expected, atol=1e-5
    )


def test_a_model_takes_frames_in_another_shape_than_square_ones(directory: Path) -> None:
    policy = load_policy(directory, dtype="bfloat16")
    assert policy.model.dtype == torch.bfloat16
    video = policy.pack(np.zeros((2, 56, 112, 3), dtype=np.uint8))
    assert video.tokens == 2 * 4
