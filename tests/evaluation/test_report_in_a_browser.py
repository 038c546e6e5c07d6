"""The page as a browser shows it; without chromium these tests are skipped."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from finished_run import EVIL, written

from videmo.evaluation.predictions import read_predictions, write_predictions


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "x" * 100_000,
        EVIL * 2_000,
        "<attribute>" + "; ".join(f"aspect {n}: {EVIL[:20]}{n}" for n in range(2_500)) + "</attribute>"
        "<emotion>emotion: " + ", ".join(f"mood {n}" for n in range(9_000)) + "</emotion>",
    ],
    ids=["empty", "long", "markup", "a large tree"],
)
def test_whatever_a_model_answers_the_page_keeps_its_size_and_its_layout_and_runs_nothing(tmp_path, outputs, answer):
    root = tmp_path / "store"
    shutil.copytree(outputs, root)
    answers = root / "answers_rl_reasoning" / "predictions.jsonl"
    write_predictions(answers, [replace(p, response=answer) for p in read_predictions(answers).predictions])
    page, _, path = written(tmp_path, root)
    assert path.stat().st_size < 1_000_000
    assert ("characters more" in page.text) == (len(answer) > 1200)
    assert page.tags.count("li") < 500
    assert browsed(path, 400, "document.body.scrollWidth") == ("400", [])


def test_a_browser_opens_the_page_at_both_widths_and_has_nothing_to_say(tmp_path, outputs):
    _, _, path = written(tmp_path, outputs)
    for width in (400, 1600):
        assert browsed(path, width, "document.body.scrollWidth") == (str(width), [])


def test_a_click_on_a_heading_sorts_by_that_model_and_another_one_the_other_way(tmp_path, outputs):
    _, _, path = written(tmp_path, outputs)
    found, _ = browsed(path, 1600, """(() => {
        const table = document.querySelector("#columns table");
        const model = [...table.querySelectorAll("button")].find((button) => button.textContent === "rl reasoning");
        const heading = model.parentNode;
        const order = () => [...table.tBodies[0].rows].map((row) => row.cells[heading.cellIndex].dataset.value);
        return JSON.stringify([1, 2].map(() => (model.click(), [heading.ariaSort, order()])));
    })()""")  # fmt: skip
    (first, falling), (second, rising) = json.loads(found)
    assert (first, second) == ("descending", "ascending")
    measured = [float(value) for value in falling if value]
    assert measured == sorted(measured, reverse=True)
    assert [float(value) for value in rising if value] == measured[::-1]
    assert set(falling[len(measured) :]) == set(rising[len(measured) :]) == {""}  # not measured: last either way


def browsed(path, width, script):
    """What `script` gives on the page when it is so wide, and what the console of the browser says."""
    if shutil.which("chromium") is None:
        pytest.skip("this needs chromium")
    # No window is narrower than 500 pixels, but its page can be.
    script = f'document.body.style.width = "{width}px"; document.title = {script}'
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    source = path.read_text(encoding="utf-8").replace("script-src ", f"script-src 'sha256-{digest}' ")
    tried = path.with_name("tried.html")
    tried.write_text(source.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    ended = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--dump-dom",
         "--enable-logging=stderr", f"--user-data-dir={path.parent / 'browser'}", tried.as_uri()],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    title = re.search("<title>(.*?)</title>", ended.stdout)
    return html.unescape(title[1]), [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
