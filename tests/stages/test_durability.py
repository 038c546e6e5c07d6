"""A power cut after `finish` costs nothing: what the output's name leads to is on the disk before the name is."""

import os

from default_settings import params_with

from videmo.settings.sections import TreeRlSettings
from videmo.stages.work import stage_directory


def test_every_file_and_directory_is_on_the_disk_before_the_output_appears_and_its_name_after(tmp_path, monkeypatch):
    synced: list[int] = []
    fsync, rename = os.fsync, os.rename
    renamed_after: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: [synced.append(os.fstat(handle).st_ino), fsync(handle)])
    monkeypatch.setattr(os, "rename", lambda *paths: [renamed_after.append(len(synced)), rename(*paths)])
    output = tmp_path / "out"
    with stage_directory(output, "videmo.tree.distance", TreeRlSettings.of(params_with(), "tree_rl"), {}) as work:
        (work.path / "shards").mkdir()
        (work.path / "shards" / "0.tar").write_text("x")
        work.finish()
    (before,) = renamed_after
    written = {path.stat().st_ino for path in (output, *output.rglob("*"))}
    assert len(written) == 4  # the directory, one inside, its file, stage.json
    assert written <= set(synced[:before])
    assert tmp_path.stat().st_ino in synced[before:]
