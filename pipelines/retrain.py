"""New data in; where its labels have moved, a new model out. For runs at fixed times: `videmo schedule`."""

import sys
from pathlib import Path

from kfp import dsl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the components, from wherever this is compiled

from components.data_build.component import data_build
from components.data_validation.component import data_validation
from components.drift.component import drift
from components.report.component import report
from pipelines.full import learn
from videmo.kubeflow.placement import place


@dsl.pipeline(name="videmo-retrain", description="data, drift, and where it is found, what full does")
def retrain(params: dict, run: dict):
    """`params` are the resolved settings, `run` is {"name": ..., "fresh": whether to make stored outputs again}."""
    with dsl.ExitHandler(place(report(params=params, run=run), "report"), name="steps"):
        data = place(data_build(params=params, run=run), "data_build").outputs["data"]
        valid = place(data_validation(params=params, run=run, data=data), "data_validation")
        moved = place(drift(params=params, run=run, data=data), "drift").after(valid)
        with dsl.If(moved.output == True, name="the labels have moved"):  # noqa: E712
            learn({"params": params, "run": run, "data": data}, after=moved)
