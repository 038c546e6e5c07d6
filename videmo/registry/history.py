"""Who was champion when and why, as entries of a log that is only added to. How the log is kept: champion.py.

An entry says after which entry it was decided, and counts only where that is the last one before it that counts. So of
two promotions decided at the same moment the one with the smaller number counts, whoever wrote them, and the other
stays in the log without effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Kind = Literal["gate", "by hand", "forced", "rollback"]


@dataclass(frozen=True)
class Change:
    """A version that is to be champion. `after`: the last entry of the history when that was decided, 0: none."""

    version: str
    kind: Kind
    after: int
    reason: str
    verdict: str = ""  # where the gate's verdict is among the version's artifacts


@dataclass(frozen=True)
class Entry:
    """A change as it stands in the log. `evidence` says where the version came from: data, code, image, run, ..."""

    number: int
    id: str  # given by who wrote it: a request that is sent twice writes two entries with one id
    when: datetime
    who: str
    change: Change
    before: str  # the champion until then; empty: there was none
    evidence: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        when = self.when.isoformat(timespec="seconds")
        return {"number": self.number, "when": when, **vars(self.change), "before": self.before, "who": self.who,
                **self.evidence}  # fmt: skip


@dataclass(frozen=True)
class History:
    """Every entry in order, the numbers of those that were removed since, and where the alias points."""

    name: str
    entries: tuple[Entry, ...]
    removed: tuple[int, ...]
    alias: str

    @property
    def counting(self) -> tuple[Entry, ...]:
        """The entries that made a champion: each was decided after the one before it."""
        kept: list[Entry] = []
        for entry in self.entries:
            last, after = kept[-1].number if kept else 0, entry.change.after
            if after == last or (after > last and after in self.removed):
                kept.append(entry)
        return tuple(kept)

    @property
    def last(self) -> int:
        """The number of the last entry that counts, 0 where there is none."""
        return self.counting[-1].number if self.counting else 0

    @property
    def champion(self) -> str:
        """The version in charge; empty: there is none. The alias counts where it was set before there was a history."""
        return self.counting[-1].change.version if self.counting else self.alias

    @property
    def line(self) -> tuple[str, ...]:
        """The champions in order up to the one in charge, without those that a rollback took back."""
        line: list[str] = []
        for entry in self.counting:
            if not line and entry.before:
                line.append(entry.before)
            version, earlier = entry.change.version, line[:-1]
            if entry.change.kind == "rollback" and version in earlier:
                line = line[: len(earlier) - earlier[::-1].index(version)]
            else:
                line.append(version)
        return tuple(line)

    def taken_back(self, version: str) -> Entry | None:
        """The rollback that took this version out of charge, if it has not come back since."""
        about = [entry for entry in self.counting if version in (entry.change.version, entry.before)]
        rolled_back = about and about[-1].change.kind == "rollback" and about[-1].before == version
        return about[-1] if rolled_back else None

    def problems(self) -> list[str]:
        """What somebody who looks at the history should know, a line each."""
        gone = ", ".join(map(str, self.removed))
        found = [f"removed from the registry, or damaged: entry {gone}"] if gone else []
        if self.alias != self.champion:
            alias = f"is on version {self.alias}" if self.alias else "is not set"
            found.append(
                f"the alias champion {alias}, the history says version {self.champion}: a promotion was cut short, or "
                "somebody moved the alias; the next promotion or rollback puts it right"
            )
        return found
