import pytest

from videmo.backbone.loading import load_policy
from videmo.pretraining.pretrain_tiny import Schedule, pretrain

SHORT = Schedule(see_steps=2, see_batch=4, speak_steps=2, speak_batch=2, topics=2, alone=1, single=1)


def test_pretraining_writes_a_policy_with_what_it_came_to(tmp_path):
    metrics = pretrain(tmp_path / "new" / "tiny", SHORT)
    assert metrics["caption_loss"] > 0
    assert 0 <= metrics["tags_right"] <= 1
    assert (tmp_path / "new" / "tiny" / "pretraining.json").exists()
    assert load_policy(str(tmp_path / "new" / "tiny")).end_of_turn >= 0


def test_where_nothing_can_be_written_nothing_is_trained(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        pretrain(tmp_path / "file", Schedule())
