"""docs/extending.md works: a section's diffs and files go into a copy of the package, and its code is run there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
TRIED = [name for name, text in SECTIONS.items() if "Try it:" in text]


def blocks_of(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def apply(diff, copy):
    """Replace each hunk's old lines, which must occur in its file exactly once, by its new lines."""
    for path, hunks in re.findall(r"^--- (\S+)\n(.*?)(?=^--- |\Z)", diff, re.MULTILINE | re.DOTALL):
        text = (copy / path).read_text(encoding="utf-8")
        for hunk in hunks.split("@@\n")[1:]:
            lines = hunk.splitlines()
            old, new = ("\n".join(line[1:] for line in lines if line[0] in kinds) for kinds in (" -", " +"))
            assert text.count(old) == 1, f"{path} has this {text.count(old)} times:\n{old}"
            text = text.replace(old, new)
        (copy / path).write_text(text, encoding="utf-8")


def test_a_corpus_a_reward_a_judge_and_a_column_are_tried():
    assert {"A corpus", "A reward", "A judge", "A column"} <= set(TRIED)
    assert {"A model family", "A cluster"} <= set(SECTIONS)


@pytest.mark.parametrize("section", TRIED)
def test_a_section_can_be_followed(section, tmp_path):
    unneeded = shutil.ignore_patterns("__pycache__", "weights")
    shutil.copytree(ROOT / "videmo", tmp_path / "videmo", symlinks=True, ignore=unneeded)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    text = SECTIONS[section]
    for diff in blocks_of(text, "diff"):
        apply(diff, tmp_path)
    *files, trial = blocks_of(text, "python")
    for content in files:
        (tmp_path / re.match(r"# (videmo/\S+\.py)\n", content)[1]).write_text(content, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "VIDEMO_HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    process = subprocess.run(
        [sys.executable, "-c", trial], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
