"""Names of clips, and files that are there."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from videmo.data.clip import CLIP_ID, clip_id, is_there


@given(st.text(min_size=1))
def test_every_name_gets_an_id_that_a_shard_can_hold(name):
    assert CLIP_ID.fullmatch(clip_id(name))


@given(st.lists(st.text(alphabet="ab._/-é", min_size=1, max_size=6), unique=True, min_size=2, max_size=2))
def test_two_names_have_two_ids(names):
    assert clip_id(names[0]) != clip_id(names[1])


def test_a_name_too_long_for_the_disk_names_no_file(tmp_path):
    assert not is_there(tmp_path / ("x" * 5000))
    (tmp_path / "x").touch()
    assert is_there(tmp_path / "x")
    assert not is_there(Path("\0"))
