"""Changes of champion that a person makes: a promotion with a reason, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videmo.registry.champion import Refused, promote, versions_of
from videmo.registry.gate import Verdict
from videmo.registry.history import Change, Entry, History, Kind
from videmo.registry.version_artifacts import VERDICT, newest_verdict

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

PROMOTE = "videmo registry promote N --force --reason ..."


def promote_version(client: MlflowClient, history: History, version: ModelVersion, reason: str, force: bool) -> Entry:
    """Make a version champion. Raises Refused without a reason, or if the gate has not passed it against the current
    champion; `force` overrides the gate, and the history says so."""
    number = str(version.version)
    if not reason.strip():
        raise Refused("--reason is empty: give a reason, which the history records")
    if number == history.champion:
        raise Refused(f"{history.name}, version {number}, is already the champion")
    problem = _problem(newest_verdict(client, version), history)
    if problem and not force:
        raise Refused(f"{history.name}, version {number}: {problem}; --force promotes it anyway")
    kind: Kind = "forced" if problem else "by hand"
    change = Change(number, kind, history.last, reason, version.tags.get(VERDICT, ""))
    return promote(client, history.name, change)


def roll_back(client: MlflowClient, history: History, version: str, reason: str) -> Entry:
    """Go back to the champion before, or to `version`. Raises Refused if there is none, or it never was champion."""
    line, name = history.line, history.name
    if not version and len(line) < 2:
        raise Refused(f"{name}: there is no earlier champion to go back to; {PROMOTE} makes another one champion")
    target = version or line[-2]
    if target == history.champion:
        raise Refused(f"{name}, version {target}, is already the champion")
    if all(target not in (entry.change.version, entry.before) for entry in history.counting):
        raise Refused(f"{name}, version {target}, was never champion: videmo registry promote {target} --reason ...")
    numbers = {str(version.version) for version in versions_of(client, name)}
    if target not in numbers:
        further = next((f"videmo registry rollback {n}" for n in line[-3::-1] if n in numbers), PROMOTE)
        raise Refused(f"{name}, version {target}, the champion before, is no longer in the registry: {further}")
    return promote(client, name, Change(target, "rollback", history.last, reason))


def _problem(verdict: Verdict | None, history: History) -> str | None:
    """Why the gate's verdict does not support a promotion now."""
    if verdict is None:
        return "the gate has not judged it"
    if not verdict.passed:
        return f"the gate refused it ({verdict.reason})"
    if history.champion_after(verdict.after) != history.champion:
        return f"the gate judged it against the {verdict.opponent}, and version {history.champion} is champion now"
    return None
