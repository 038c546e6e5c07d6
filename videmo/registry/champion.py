"""The champion: its log in the registry, its alias, and how both are changed.

The log of the model NAME is a registered model of its own, NAME-history: version N is the Nth entry, and loads as the
model that became champion then. The registry itself numbers versions consecutively, never reuses the number of a
deleted one, and makes a version together with its tags or not at all. Promotions at the same moment need nothing more,
on SQLite as on a server: nothing is locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from videmo.registry.history import Change, Entry, History, Kind
from videmo.settings.errors import SettingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
PREFIX = "videmo."  # of tags
ORIGIN = ("policy", "data", "code", "image", "commit", "run")  # tags: what a version, and its entries, came from
LOG = "Who was champion when: written by videmo, read with `videmo registry history`. Do not change or delete versions."


class Refused(SettingError):
    """A change of champion that is refused; the message says why."""


def read_history(client: MlflowClient, name: str) -> History:
    """The history of a model; an entry that cannot be read counts as removed."""
    by_number = {int(version.version): _entry(version) for version in versions_of(client, _log(name))}
    entries = tuple(entry for _, entry in sorted(by_number.items()) if entry)
    removed = tuple(number for number in range(1, max(by_number, default=0) + 1) if not by_number.get(number))
    return History(name, entries, removed, aliases(client, name).get(CHAMPION, ""))


def promote(client: MlflowClient, name: str, change: Change) -> Entry:
    """Make a version the champion. Raises Refused if another one has become champion since that was decided."""
    before = read_history(client, name)
    if change.after != before.last:
        raise Refused(_overtaken(change, before))
    own = uuid4().hex
    _append(client, name, change, before.champion, own)
    now = follow(client, name)
    # All smaller numbers are taken by now, so which entries count no longer changes.
    mine = next((entry for entry in now.counting if entry.id == own), None)
    if mine is None:
        raise Refused(_overtaken(change, now))
    return mine


def follow(client: MlflowClient, name: str) -> History:
    """Move the alias to the champion of the history, if that is still in the registry.

    Whoever sets it looks at the history once more, so that the last to set it has seen the last entry.
    """
    while (history := read_history(client, name)).alias != history.champion and champion_of(client, history):
        client.set_registered_model_alias(name, CHAMPION, history.champion)
    return history


def champion_of(client: MlflowClient, history: History) -> ModelVersion | None:
    """The current champion; None if there is none, or if it has been deleted."""
    versions = versions_of(client, history.name) if history.champion else []
    return next((version for version in versions if str(version.version) == history.champion), None)


def versions_of(client: MlflowClient, name: str) -> list[ModelVersion]:
    """Every version of a model, newest first; none where there is no such model."""
    versions: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = client.search_model_versions(f"name = '{name}'", page_token=token)
        versions.extend(page)
        token = page.token
        if not token:
            return sorted(versions, key=lambda version: -int(version.version))


def aliases(client: MlflowClient, name: str) -> dict[str, str]:
    """alias -> version, none where there is no such model."""
    from mlflow.exceptions import MlflowException

    try:
        numbers = client.get_registered_model(name).aliases
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return {}
        raise
    return {alias: str(version) for alias, version in numbers.items()}


def _log(name: str) -> str:
    return f"{name}-history"


def _append(client: MlflowClient, name: str, change: Change, before: str, own: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(_log(name), description=LOG)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.get_model_version(name, change.version)
    origin = {PREFIX + key: version.tags[PREFIX + key] for key in ORIGIN if PREFIX + key in version.tags}
    fields = {**vars(change), "before": before, "who": _user(), "id": own}
    tags = {**origin, **{PREFIX + key: str(value) for key, value in fields.items()}}
    client.create_model_version(_log(name), f"models:/{name}/{change.version}", tags=tags)


def _entry(version: ModelVersion) -> Entry | None:
    tags = {key.removeprefix(PREFIX): value for key, value in version.tags.items()}
    try:
        return Entry(
            number=int(version.version),
            id=tags["id"],
            when=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
            who=tags["who"],
            change=_change(tags),
            before=tags["before"],
            origin={key: tags[key] for key in ORIGIN if key in tags},
        )
    except (KeyError, ValueError):  # somebody changed its tags
        return None


def _change(tags: Mapping[str, str]) -> Change:
    kind = cast(Kind, tags["kind"])
    return Change(tags["version"], kind, int(tags["after"]), tags["reason"], tags.get("verdict", ""))


def _user() -> str:
    """The current user, as MLflow names users."""
    from mlflow.tracking.context.default_context import DefaultRunContext

    try:
        return DefaultRunContext().tags()["mlflow.user"]
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


def _overtaken(change: Change, history: History) -> str:
    champion = history.champion_after(change.after)
    then = f"after entry {change.after}" if change.after else "before the first entry"
    with_whom = f", with version {champion} as champion" if champion else ""
    since = "that entry has been removed since"
    if history.last > change.after:
        now = history.counting[-1]
        when = f"entry {now.number}, {now.change.kind}, {now.when:%Y-%m-%d %H:%M} UTC"
        since = f"version {now.change.version} has become champion since ({when})"
    decided = f"{history.name}, version {change.version}, is not promoted: that was decided {then}{with_whom}"
    again = (
        "let the gate judge it again" if change.kind == "gate" else "see `videmo registry history`, and decide again"
    )
    return f"{decided}, and {since}: {again}"
