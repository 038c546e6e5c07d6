"""How far a stage is, on disk for whoever looks."""

import json

from default_settings import params_with

from videmo.settings.sections import TreeRlSettings
from videmo.stages.store import progress_file
from videmo.stages.work import stage_directory

SEEN = TreeRlSettings.of(params_with(), "tree_rl")


def test_progress_is_written_now_and_then_and_at_the_end_and_goes_with_the_output(tmp_path):
    output = tmp_path / "out"

    def shown():
        return json.loads(progress_file(output).read_text())

    with stage_directory(output, "videmo.tree.distance", SEEN, {}) as work:
        assert not progress_file(output).exists()
        work.progress(1, 100, "loss 0.5")
        assert shown() == {"done": 1, "total": 100, "note": "loss 0.5"}
        for done in range(2, 100):
            work.progress(done, 100)
        assert shown()["done"] < 99  # a few times a second are enough
        work.progress(100, 100)
        assert shown()["done"] == 100
        work.finish()
    assert not progress_file(output).exists()


def test_what_a_stage_before_said_of_its_progress_is_gone_when_the_next_begins(tmp_path):
    progress_file(tmp_path / "out").write_text("{}")
    with stage_directory(tmp_path / "out", "videmo.tree.distance", SEEN, {}) as work:
        assert not progress_file(tmp_path / "out").exists()
        work.finish()
