from dataclasses import replace

import pytest
import torch
from default_settings import execution_settings, rl_settings

from videmo.data.samples import Sample
from videmo.generation.rollout import Rollout
from videmo.tasks.catalog import PARTS
from videmo.training.forest import rollout_tree
from videmo.training.objective import level_advantages
from videmo.training.policy_update import sample_rollouts, update
from videmo.training.scoring import score
from videmo.training.tally import together

SETTINGS = {"branching": (2, 1, 2), "max_segment_tokens": 24, "learning_rate": 1e-4}
TRUTH = (
    "<attribute>age: young; gender: male</attribute><expression>brows: raised</expression>"
    "<emotion>emotion: fear</emotion>"
)
ASKED = [
    Sample(f"c{clip}.fine_caption", f"c{clip}", "fine_caption", "emotion", "train", PARTS["fine_caption"].question,
           TRUTH)
    for clip in range(3)
]  # fmt: skip


def scored_by(learner, step=0):
    rollouts = sample_rollouts(learner, ASKED, step)
    return [score(sample, rollout, learner.settings.reward) for sample, rollout in zip(ASKED, rollouts, strict=True)]


def weights_of(learner):
    return torch.cat([weight.detach().flatten().clone() for weight in learner.engine.policy.model.parameters()])


def agreeing(one):
    """The same rollout, scored as if all siblings had earned the same."""
    return replace(one, advantages=level_advantages(torch.ones(len(one.rollout.nodes)), one.rollout.parents))


def test_in_the_first_epoch_the_policy_is_the_one_that_sampled_and_in_the_second_it_has_moved(learner):
    made = learner(rl_settings(**SETTINGS, optimisation_epochs=2))
    first, second = (tally.means() for tally in update(made, scored_by(made)))
    assert first["ratio_shift"] < 1e-4 < 1e-2 < second["ratio_shift"]
    assert first["kl"] < 1e-6 < second["kl"]
    assert first["clip_share"] == 0
    assert second["loss"] < first["loss"]


@pytest.mark.parametrize("aggregation", ["token", "sequence"])
def test_the_first_loss_is_the_mean_advantage_with_the_weights_of_the_aggregation(learner, aggregation):
    made = learner(rl_settings(**SETTINGS, aggregation=aggregation))
    scored = scored_by(made)
    (tally,) = update(made, scored)
    sums = total = 0.0
    for one in scored:
        lengths = [len(node.tokens) for node in one.rollout.nodes]
        counted = (one.advantages.choice >= 0).tolist()
        advantages = one.advantages.advantages.tolist()
        nodes = [[node] for node in range(len(lengths))]
        answers = [one.rollout.path(leaf) for leaf in one.rollout.leaf_indices()]
        for unit in nodes if aggregation == "token" else answers:
            unit = [node for node in unit if counted[node]]
            tokens = sum(lengths[node] for node in unit)
            weight = (1.0 if aggregation == "token" else 1 / tokens) if tokens else 0.0
            sums += weight * sum(advantages[node] * lengths[node] for node in unit)
            total += weight * tokens
    assert tally.means()["loss"] == pytest.approx(-sums / total, abs=1e-4)


def test_the_token_budget_bounds_every_pass_and_changes_nothing_else(learner):
    found, largest = [], []
    tokens = 8192
    for _ in range(2):
        made = learner(rl_settings(**SETTINGS, optimisation_epochs=2), execution_settings(micro_tokens=tokens))
        sizes: list[int] = []
        for policy in (made.engine.policy, made.reference):
            policy.decoder.register_forward_pre_hook(
                lambda module, arguments, named, sizes=sizes: sizes.append(named["inputs_embeds"][..., 0].numel()),
                with_kwargs=True,
            )
        scored = scored_by(made)
        sizes.clear()
        found.append([tally.means() for tally in update(made, scored)])
        largest.append((tokens, max(sizes), len(sizes)))
        tokens = longest_answer(made, scored)  # so tight that rollouts are cut between their answers
    assert all(size <= tokens for tokens, size, _ in largest)
    assert largest[0][2] * 4 < largest[1][2]
    for epoch, expected in zip(*found, strict=True):
        assert epoch == pytest.approx(expected, abs=1e-4, rel=1e-3)
        assert epoch["loss"] == pytest.approx(expected["loss"], abs=1e-5)


def longest_answer(made, scored):
    """Tokens of the longest answer, with its video and question."""
    prefix = len(rollout_tree(made.engine.policy, made.videos("c0"), ASKED[0].question, Rollout(())))
    return prefix + max(
        sum(len(one.rollout.nodes[node].tokens) for node in one.rollout.path(leaf))
        for one in scored
        for leaf in one.rollout.leaf_indices()
    )


def test_rollouts_whose_siblings_all_agree_contribute_nothing(learner):
    made = [learner(rl_settings(**SETTINGS, optimisation_epochs=2)) for _ in range(2)]
    scored = scored_by(made[0])
    with_others = [*scored[:2], agreeing(scored[2])]
    losses = [
        [tally.means()["loss"] for tally in update(one, batch)]
        for one, batch in zip(made, (scored[:2], with_others), strict=True)
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_where_all_siblings_agree_everywhere_the_policy_stays_as_it_is_whatever_its_momentum(learner):
    made = learner(rl_settings(**SETTINGS))
    update(made, scored_by(made))
    before = weights_of(made)
    assert update(made, [agreeing(one) for one in scored_by(made, step=1)]) == []
    assert torch.equal(weights_of(made), before)


def test_the_penalty_pulls_back_to_the_reference(learner):
    """Two learners drift alike; then the one whose penalty weighs more comes closer to the reference."""
    found = []
    for kl in (0.0, 10.0):
        made = learner(rl_settings(**SETTINGS, kl=kl, optimisation_epochs=4))
        found.append([tally.means()["kl"] for tally in update(made, scored_by(made))])
    assert found[1][3] < found[0][3] / 2


def test_a_tally_of_parts_is_the_tally_of_the_whole(learner):
    made = learner(rl_settings(**SETTINGS))
    (whole,) = update(made, scored_by(made))
    assert together([whole, whole]).means() == pytest.approx(whole.means())
