import numpy as np
import pytest
import torch

from videmo.backbone.policy import Policy
from videmo.backbone.prefix_tree import PackedBatch, PrefixTree, Segment, collate, token_logprobs
from videmo.backbone.qwen2_5_vl.tiny import random_policy


@pytest.fixture(scope="module")
def policy() -> Policy:
    policy = random_policy(seed=1)
    policy.model.double()
    return policy


def tree_of(policy: Policy, seed: int, frames: int = 4) -> PrefixTree:
    """A video, two questions, two answers to the first (one of which goes on in two ways) and one to the second."""
    drawn = np.random.default_rng(seed).integers(0, 255, (frames, 84, 84, 3), dtype=np.uint8)
    video = policy.pack(drawn)
    texts = [("What is the eye colour?", 0), ("What is the head pose?", 0)]
    segments = [Segment(policy.video_tokens(video), -1)]
    segments += [Segment(policy.question_tokens(text), parent) for text, parent in texts]
    for text, parent in (("blue", 1), ("brown and", 1), ("front", 2), ("large", 4), ("small or so", 4)):
        segments.append(Segment(policy.answer_tokens(text, end=parent != 1), parent))
    return PrefixTree(video, tuple(segments))


def path(tree: PrefixTree, index: int) -> list[int]:
    return [*(path(tree, tree.segments[index].parent) if tree.segments[index].parent >= 0 else []), index]


def unpacked(tree: PrefixTree, index: int) -> PrefixTree:
    """The chain from the root to one segment, as one tree without branches."""
    chain = [tree.segments[i].tokens for i in path(tree, index)]
    return PrefixTree(tree.video, tuple(Segment(tokens, i - 1) for i, tokens in enumerate(chain)))


def answers(batch: PackedBatch) -> torch.Tensor:
    return batch.segment > 0


def test_a_packed_tree_gives_the_log_probabilities_of_its_unpacked_paths(policy: Policy) -> None:
    trees = [tree_of(policy, seed=0), tree_of(policy, seed=1, frames=8)]
    batch = collate(policy, trees)
    packed = token_logprobs(policy, batch, answers(batch))
    for row, tree in enumerate(trees):
        for index in range(1, len(tree.segments)):
            single = collate(policy, [unpacked(tree, index)])
            last = len(path(tree, index)) - 1
            alone = token_logprobs(policy, single, single.segment == last)[single.segment == last]
            assert torch.allclose(packed[row][batch.segment[row] == index], alone, rtol=0, atol=1e-12)


def test_a_packed_tree_gives_the_gradients_of_its_unpacked_paths(policy: Policy) -> None:
    tree = tree_of(policy, seed=2)
    weights = [parameter for parameter in policy.model.parameters() if parameter.requires_grad]
    batch = collate(policy, [tree])
    packed = torch.autograd.grad(token_logprobs(policy, batch, batch.segment >= 3).sum(), weights, allow_unused=True)
    single = 0.0
    for index in range(3, len(tree.segments)):
        chain = collate(policy, [unpacked(tree, index)])
        single = single + token_logprobs(policy, chain, chain.segment == len(path(tree, index)) - 1).sum()
    for one, other in zip(packed, torch.autograd.grad(single, weights, allow_unused=True), strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert (one - other).norm() <= 1e-6 * other.norm()


def test_the_vision_tower_takes_part_under_gradient(policy: Policy) -> None:
    batch = collate(policy, [tree_of(policy, seed=3)])
    policy.model.zero_grad()
    token_logprobs(policy, batch, answers(batch)).sum().backward()
    assert policy.tower.patch_embed.proj.weight.grad.abs().sum() > 0


def test_a_video_that_was_looked_at_before_gives_the_same_log_probabilities(policy: Policy) -> None:
    trees = [tree_of(policy, seed=6), tree_of(policy, seed=7, frames=8)]
    seen = [PrefixTree(policy.look_at(tree.video), tree.segments) for tree in trees]
    batch = collate(policy, trees)
    now = token_logprobs(policy, batch, answers(batch))
    again = policy.tower.register_forward_pre_hook(lambda *_: pytest.fail("it looked again"))
    assert torch.allclose(token_logprobs(policy, collate(policy, seen), answers(batch)), now, rtol=0, atol=1e-12)
    again.remove()


def test_another_video_gives_other_log_probabilities(policy: Policy) -> None:
    one, other = tree_of(policy, seed=4), tree_of(policy, seed=5)
    batch = collate(policy, [one, PrefixTree(other.video, one.segments)])
    first, second = token_logprobs(policy, batch, answers(batch))
    assert not torch.allclose(first, second)
