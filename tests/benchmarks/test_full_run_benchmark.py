"""What the benchmark of the default pipeline prints."""

import json

from benchmarks.full_run import Run, show


def test_the_last_line_is_json_with_the_figures_that_are_compared(capsys):
    tables = {"attribute": 1.0, "expression": 2.0, "understanding": 3.0}
    metrics = {"seconds": {"data_build": 9.0}, "mean15": {"base": 2.004}, "tables": {"base": tables}}
    show(Run(700.04, 5.0), Run(3.96, 1.0), metrics, report=10)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "seconds_cold": 700.0,
        "seconds_cached": 4.0,
        "peak_gb": 5.0,
        "mean15": {"base": 2.0},
    }
