"""Names of clips, and files that are there."""

from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from videmo.data.clip import CLIP_ID, clip_id, is_there


@given(st.text(min_size=1))
def test_every_name_gets_an_id_that_a_shard_can_hold(name):
    assert CLIP_ID.fullmatch(clip_id(name))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("_./-é"), st.sampled_from("_./-é")), min_size=1))
@example([("a", "_", "/"), ("b", "/", "_"), ("a", ".", ".")])  # two pictures of one actor, or of two
@example([("a", "_", "."), ("b", ".", "_")])
def test_two_names_that_differ_in_what_separates_them_have_two_ids(letters):
    first, second = ("".join(letter + between[one] for letter, *between in letters) for one in (0, 1))
    assert (clip_id(first) == clip_id(second)) == (first == second)


def test_a_name_too_long_for_the_disk_names_no_file(tmp_path):
    assert not is_there(tmp_path / ("x" * 5000))
    (tmp_path / "x").touch()
    assert is_there(tmp_path / "x")
    assert not is_there(Path("\0"))
