import pytest
import torch

from videmo.backbone.policy import Policy
from videmo.backbone.qwen2_5_vl.tiny import random_policy
from videmo.generation.paths import extend, prefix_cache, step


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16], ids=str)
def policy(request) -> Policy:
    policy = random_policy(3)
    return policy.with_model(policy.model.to(request.param))


def waiting(policy, videos):
    """Paths of different lengths that end in a question."""
    questions = [policy.question_tokens(text) for text in ("Who?", "What is the colour of the hair?", "Where is it?")]
    return extend(policy, prefix_cache(policy, videos[:3], 8), questions).cache


@torch.inference_mode()
def test_a_token_on_its_own_is_computed_as_transformers_computes_it(policy, noise_videos):
    tokens = torch.tensor([7, 300, 41])
    expected = extend(policy, waiting(policy, noise_videos), [token[None] for token in tokens])
    found = step(policy, waiting(policy, noise_videos), tokens, torch.ones(3, dtype=torch.bool))
    tolerance = 1e-5 if policy.model.dtype == torch.float32 else 0.02
    torch.testing.assert_close(found.logits, expected.logits, atol=tolerance, rtol=tolerance)
    assert found.cache.position.tolist() == expected.cache.position.tolist()
    assert found.cache.length == expected.cache.length


@torch.inference_mode()
def test_nothing_attends_to_the_token_of_a_path_that_is_over(noise_videos):
    policy = random_policy(3)
    live = torch.tensor([True, False, True])
    after = []
    for filler in (7, 300):
        paths = step(policy, waiting(policy, noise_videos), torch.tensor([5, filler, 9]), live)
        after.append(step(policy, paths.cache, torch.tensor([6, 6, 6]), torch.ones(3, dtype=torch.bool)).logits)
    torch.testing.assert_close(after[0], after[1])
