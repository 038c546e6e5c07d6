"""The commands `videmo registry`: the champion, its history, and manual promotion."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from videmo.cli.options import DEFAULT, Overrides, ParamsFile, settings_of
from videmo.settings.errors import SettingError
from videmo.stages.errors import first_line

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from videmo.evaluation.interval import Figure
    from videmo.registry.comparison import Comparison
    from videmo.registry.history import Entry, History
    from videmo.settings.params import Params

registry = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Registered models: list, compare, promote, roll back."
)

Version = Annotated[str, typer.Argument(help="A number, or the alias champion or challenger.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Reason = Annotated[str, typer.Option(help="The reason, for the history.")]


class VersionRow(TypedDict):
    """A version in the list: its aliases, the pipeline run it came from, and what the gate made of it."""

    version: str
    names: list[str]
    run: str
    mean15: Figure | None
    judge: str
    passed: bool | None


@dataclass(frozen=True)
class Opened:
    """The registry, with the model that the settings name."""

    client: MlflowClient
    params: Params
    versions: dict[str, ModelVersion]  # newest first
    history: History

    @property
    def name(self) -> str:
        return self.params.promotion.model_name

    def version(self, given: str) -> ModelVersion:
        from videmo.registry.champion import aliases

        number = self.history.champion if given == "champion" else aliases(self.client, self.name).get(given, given)
        if not number:
            raise SettingError(f"{self.name}: nobody has been promoted yet; `videmo registry list` shows the versions")
        if number in self.versions:
            return self.versions[number]
        named = given if given == number else f"{given}, version {number}"
        there = ", ".join(self.versions) or "none"
        raise SettingError(f"{named}: no such version of {self.name}; there are {there}")


@registry.command("list")
def show_versions(params: ParamsFile = DEFAULT, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """List the versions, newest first."""
    with _opened(params, overrides) as opened:
        from videmo.registry.champion import aliases
        from videmo.registry.version_artifacts import newest_verdict

        named = aliases(opened.client, opened.name)
        rows: list[VersionRow] = []
        for number, version in opened.versions.items():
            verdict = newest_verdict(opened.client, version)
            names = [alias for alias, to in named.items() if to == number and alias != "champion"]
            rows.append({
                "version": number,
                "names": ["champion", *names] if number == opened.history.champion else names,
                "run": version.tags.get("videmo.run", ""),
                "mean15": verdict.challenger_mean15 if verdict else None,
                "judge": verdict.judge if verdict else "",
                "passed": verdict.passed if verdict else None,
            })  # fmt: skip
        lines = [_version_line(row) for row in rows] or ["no version is left"]
        _print(rows if as_json else None, lines, opened.history.problems())


@registry.command()
def show(version: Version = "champion", params: ParamsFile = DEFAULT, overrides: Overrides = None) -> None:
    """Print the model card of a version."""
    with _opened(params, overrides) as opened:
        from videmo.registry.lineage import CARD
        from videmo.registry.version_artifacts import artifact

        found = opened.version(version)
        card = artifact(opened.client, found, CARD, Path.read_bytes)
        if card is None:
            raise SettingError(f"{opened.name}, version {found.version}: has no model card; it was not registered here")
        print(card.decode())


@registry.command("history")
def show_history(params: ParamsFile = DEFAULT, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Print the history of champions with dates and reasons, oldest first."""
    with _opened(params, overrides) as opened:
        history = opened.history
        counting = {entry.number for entry in history.counting}
        rows = [{**entry.as_dict(), "counts": entry.number in counting} for entry in history.entries]
        lines = [_entry_line(entry, entry.number in counting) for entry in history.entries]
        _print(rows if as_json else None, lines or ["nobody has been promoted yet"], history.problems())


@registry.command("promote")
def promote_by_hand(
    version: Version,
    reason: Reason,
    force: Annotated[bool, typer.Option("--force", help="Promote it although the gate did not pass it.")] = False,
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
) -> None:
    """Make a version champion by hand."""
    with _opened(params, overrides) as opened:
        from videmo.registry.manual_promotion import promote_version

        _print_change(promote_version(opened.client, opened.history, opened.version(version), reason, force))


@registry.command()
def rollback(
    version: Annotated[str, typer.Argument(help="A former champion; the previous one by default.")] = "",
    reason: Reason = "",
    params: ParamsFile = DEFAULT,
    overrides: Overrides = None,
) -> None:
    """Go back to the previous champion, or an earlier one."""
    with _opened(params, overrides) as opened:
        from videmo.registry.manual_promotion import roll_back

        target = str(opened.version(version).version) if version else ""
        _print_change(roll_back(opened.client, opened.history, target, reason))


@registry.command("compare")
def compare_versions(
    first: Version, second: Version, params: ParamsFile = DEFAULT, overrides: Overrides = None, as_json: AsJson = False
) -> None:
    """Compare two versions on the same test set: paired differences with intervals."""
    with _opened(params, overrides) as opened:
        from videmo.registry.comparison import compare

        try:
            found = compare(opened.client, opened.version(first), opened.version(second), opened.params)
        except ValueError as error:
            raise SettingError(str(error)) from None
        _print(found.as_dict() if as_json else None, _comparison_lines(found), [])


@contextmanager
def _opened(params: ParamsFile, overrides: Overrides) -> Iterator[Opened]:
    """The registry of the settings. Raises SettingError if it, or a model in it, does not exist."""
    settings = settings_of(params, overrides)
    name = settings.promotion.model_name
    from videmo.registry.tracking import missing_database, tracking_uri

    if missing_database():
        raise SettingError(f"{tracking_uri()}: no registry yet; a run creates one, or set MLFLOW_TRACKING_URI")
    # Somebody is waiting for the answer: MLflow would retry for minutes if the server is down.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from videmo.registry.champion import read_history, versions_of
    from videmo.registry.tracking import connect

    try:
        client = connect()
        versions, history = {str(one.version): one for one in versions_of(client, name)}, read_history(client, name)
        if not versions and not history.entries:
            raise SettingError(f"promotion.model_name = {name}: no version is registered under this name yet")
        yield Opened(client, settings, versions, history)
    except (MlflowException, SQLAlchemyError) as error:
        said = f"{tracking_uri()}: {first_line(error)}"
        raise SettingError(re.sub(r"://[^/\s]*@", "://", said)) from None  # an address may hold a password


def _print(as_json: object, lines: list[str], problems: list[str]) -> None:
    print(json.dumps(as_json, indent=1) if as_json is not None else "\n".join(lines))
    for problem in problems:
        typer.echo(f"note: {problem}", err=True)


def _print_change(entry: Entry) -> None:
    print(f"version {entry.change.version} is champion now (entry {entry.number}, {entry.change.kind})")


def _version_line(row: VersionRow) -> str:
    from videmo.evaluation.interval import figure_text

    mean = f"{figure_text(row['mean15'])} {row['judge']}" if row["mean15"] else "not measured"
    gate = {True: "passed", False: "refused", None: "not judged"}[row["passed"]]
    return f"{row['version']:>4}  {mean:<28}  {gate:<10}  {row['run']:<20}  {', '.join(row['names'])}".rstrip()


def _entry_line(entry: Entry, counts: bool) -> str:
    change = entry.change
    moved = f"{entry.before or '-'} -> {change.version}"
    said = change.reason if counts else f"WITHOUT EFFECT, another came first: {change.reason}"
    return (
        f"{entry.number:>4}  {entry.when:%Y-%m-%d %H:%M}  {moved:<12}  {change.kind:<8}  {entry.who}: {said}".rstrip()
    )


def _comparison_lines(found: Comparison) -> list[str]:
    from videmo.evaluation.interval import figure_text

    first, second = found.versions
    head = (
        f"version {second} - version {first}: {found.samples} samples of test set {found.test_set}, judge {found.judge}"
    )
    rows = {"mean of the tasks": [figures.mean15 for figures in (*found.figures, found.gains)]}
    rows |= {task: [figures.tasks[task] for figures in (*found.figures, found.gains)] for task in found.gains.tasks}
    return [head] + [
        f"{name:<24} {a.value:5.1f} {b.value:5.1f}  {figure_text(gain.as_list(), signed=True)}"
        for name, (a, b, gain) in rows.items()
    ]
