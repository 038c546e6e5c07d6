"""Runs of a pipeline at fixed times: on this machine as long as the command lives, or by a server."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from videmo.kubeflow.pipeline_file import PipelineFile
from videmo.kubeflow.submit import client_of, compile_to
from videmo.pipeline.dag import plan
from videmo.settings.errors import SettingError
from videmo.settings.params import Params


def check_cron(cron: str) -> None:
    """Raise SettingError if `cron` is not five fields that name a time."""
    from apscheduler.triggers.cron import CronTrigger

    try:
        CronTrigger.from_crontab(cron)
    except ValueError as error:
        raise SettingError(
            f"--cron {cron!r}: {error}; use five fields, such as '0 3 * * 1' for Mondays at three"
        ) from None


def schedule_here(command: list[str], cron: str) -> None:
    """Run `kfp run` with these arguments at the times of `cron` until stopped; one that still runs is left alone."""
    from apscheduler.schedulers.blocking import BlockingScheduler
    from apscheduler.triggers.cron import CronTrigger

    scheduler = BlockingScheduler()
    kfp = [sys.executable, "-m", "videmo.cli.kfp", "run", *command]
    scheduler.add_job(subprocess.run, CronTrigger.from_crontab(cron), args=[kfp], max_instances=1, coalesce=True)
    scheduler.start()


def schedule_there(pipeline: PipelineFile, params: Params, endpoint: str, name: str, cron: str) -> str:
    """Have a server run the pipeline at the times of `cron`; returns the id of the recurring run."""
    pipeline.set_cache_keys(plan(params), enabled=True)
    pipeline.set_accelerators(params.execution.processes)
    with client_of(endpoint) as client, tempfile.TemporaryDirectory() as folder:
        recurring = client.create_recurring_run(
            experiment_id=client.create_experiment("videmo").experiment_id,
            job_name=name,
            cron_expression=f"0 {cron}",  # the server's has seconds
            pipeline_package_path=str(compile_to(pipeline, Path(folder) / "pipeline.yaml")),
            params=pipeline.arguments(params, name, fresh=False),
            max_concurrency=1,
        )
    return recurring.recurring_run_id
