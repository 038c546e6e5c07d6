"""Changes of champion that a person makes: a promotion with a reason, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from videmo.registry.champion import Refused, promote
from videmo.registry.gate import Verdict
from videmo.registry.history import Change, Entry, History, Kind
from videmo.registry.kept import VERDICT, newest_verdict

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


def promote_version(client: MlflowClient, history: History, version: ModelVersion, reason: str, force: bool) -> Entry:
    """Make a version champion. Raises Refused without a reason, or where the gate has not let it pass against the
    champion of now; `force` overrides the gate, and the history says so."""
    number = str(version.version)
    if not reason.strip():
        raise Refused("--reason is empty: say why, for whoever reads the history")
    if number == history.champion:
        raise Refused(f"{history.name}, version {number}, is the champion already")
    problem = _problem(newest_verdict(client, version), history)
    if problem and not force:
        raise Refused(f"{history.name}, version {number}: {problem}; --force promotes it all the same")
    kind: Kind = "forced" if problem else "by hand"
    change = Change(number, kind, history.last, reason, version.tags.get(VERDICT, ""))
    return promote(client, history.name, change)


def roll_back(client: MlflowClient, history: History, version: str, reason: str) -> Entry:
    """Go back to the champion before, or to `version`. Raises Refused where there is none, or it never was champion."""
    line = history.line or ((history.champion,) if history.champion else ())
    earlier = {one for entry in history.counting for one in (entry.change.version, entry.before) if one}
    if not version and len(line) < 2:
        raise Refused(f"{history.name}: there is no earlier champion to go back to")
    target = version or line[-2]
    if target == history.champion:
        raise Refused(f"{history.name}, version {target}, is the champion already")
    if target not in earlier:
        raise Refused(
            f"{history.name}, version {target}, was never champion: videmo registry promote {target} --reason ..."
        )
    return promote(client, history.name, Change(target, "rollback", history.last, reason))


def _problem(verdict: Verdict | None, history: History) -> str | None:
    """Why the gate's verdict does not speak for a promotion now."""
    if verdict is None:
        return "the gate has not judged it"
    if not verdict.passed:
        return f"the gate has not let it pass ({verdict.reason})"
    if verdict.after != history.last:
        return f"the gate judged it against the {verdict.opponent}, and version {history.champion} is champion now"
    return None
