"""A model that is no Qwen2.5-VL answers as its own `generate` does: a LLaVA, which takes the frames as pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from videmo.generation.chat_model import ChatModel

TEMPLATE = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %} ASSISTANT:"
)
QUESTIONS = ("Who?", "What is the eye colour? Choose one: blue, brown.", "Why?")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("llava")
    processor = _processor()
    image = processor.tokenizer.convert_tokens_to_ids("<image>")
    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    text = LlamaConfig(
        vocab_size=len(processor.tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2,
    )  # fmt: skip
    LlavaForConditionalGeneration(
        LlavaConfig(vision_config=vision, text_config=text, image_token_index=image, image_token_id=image)
    ).save_pretrained(path)
    processor.save_pretrained(path)
    return path


def _processor() -> LlavaProcessor:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<pad>", "</s>", "<image>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(["blue"], trainers.BpeTrainer(special_tokens=special, initial_alphabet=alphabet))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>", extra_special_tokens={"image_token": "<image>"}
    )
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    return LlavaProcessor(
        image_processor=pictures, tokenizer=fast, patch_size=14, vision_feature_select_strategy="default",
        chat_template=TEMPLATE, num_additional_image_tokens=1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (4, 84, 84, 3), dtype=np.uint8)


def test_answers_are_those_of_the_models_own_generate_question_by_question(directory, frames):
    model = ChatModel(directory, "float32", rows=2)
    clip = model.see(frames)
    answers = model.answer([(clip, question) for question in QUESTIONS], max_new_tokens=[6, 2, 6])
    processor = _processor()
    plain = LlavaForConditionalGeneration.from_pretrained(directory)
    pictures = [Image.fromarray(frame) for frame in frames]
    for question, answer, limit in zip(QUESTIONS, answers, (6, 2, 6), strict=True):
        text = "USER: " + "<image>" * len(frames) + question + " ASSISTANT:"
        inputs = processor(images=pictures, text=text, return_tensors="pt")
        wanted = plain.generate(**inputs, do_sample=False, max_new_tokens=limit)[0, inputs["input_ids"].shape[1] :]
        assert list(answer.tokens) == wanted.tolist()
        logits = plain(**_behind(inputs, wanted)).logits[0, -len(wanted) - 1 : -1]
        logprobs = torch.log_softmax(logits, -1).gather(1, wanted[:, None])[:, 0]
        assert torch.allclose(torch.tensor(answer.logprobs), logprobs, atol=1e-4)


def _behind(inputs, tokens):
    ids = torch.cat([inputs["input_ids"], tokens[None]], dim=1)
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "pixel_values": inputs["pixel_values"]}


def test_a_directory_that_holds_no_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no model for questions about videos can be loaded"):
        ChatModel(tmp_path, "float32", rows=2)
