"""Who was champion when and why, as entries of a log that is only added to. How the log is kept: champion.py.

An entry says after which entry it was decided, and counts only where that is the last one before it that counts. So of
two promotions decided at the same moment the one with the smaller number counts, whoever wrote them, and the other
stays in the log without effect. An entry after which another was decided did count, and still does when it has been
removed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

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
    """A change as it stands in the log. `origin` says where the version came from: data, code, image, run, ..."""

    number: int
    id: str  # chosen by the writer: a request that is sent twice writes two entries with the same id
    when: datetime
    who: str
    change: Change
    before: str  # the champion until then; empty: there was none
    origin: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        when = self.when.isoformat(timespec="seconds")
        return {"number": self.number, "when": when, **vars(self.change), "before": self.before, "who": self.who,
                **self.origin}  # fmt: skip


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
        there = {entry.number: entry for entry in self.entries}
        decided_after = {entry.change.after for entry in self.entries}
        counting: list[Entry] = []
        last = 0
        for number in sorted([*there, *self.removed]):
            if number in there and there[number].change.after == last:
                counting.append(there[number])
                last = number
            elif number not in there and number in decided_after:
                last = number
        return tuple(counting)

    @property
    def last(self) -> int:
        """The number of the last entry that counts, 0 where there is none."""
        return self.counting[-1].number if self.counting else 0

    @property
    def champion(self) -> str:
        """The current champion; empty if there is none. An alias that was set before there was a history counts."""
        return self.counting[-1].change.version if self.counting else self.alias

    @property
    def line(self) -> tuple[str, ...]:
        """The champions in order up to the current one, without those that a rollback took back."""
        return self._followed()[0]

    def taken_back(self, version: str) -> Entry | None:
        """The rollback that removed this version as champion, if it has not come back since."""
        return self._followed()[1].get(version)

    def champion_after(self, number: int) -> str | None:
        """The champion once this entry had been made, 0: before the first; None if that is not known."""
        if not number:
            return self.counting[0].before if self.counting else self.alias
        return next((entry.change.version for entry in self.counting if entry.number == number), None)

    def _followed(self) -> tuple[tuple[str, ...], dict[str, Entry]]:
        """The line of champions, and for each version that is no longer in it the rollback that removed it."""
        line: list[str] = []
        taken_back: dict[str, Entry] = {}
        for entry in self.counting:
            before, version = line or [entry.before] * bool(entry.before), entry.change.version
            line = [*before, version]
            if entry.change.kind == "rollback":
                line = _back_to(version, before)
                taken_back |= dict.fromkeys([*before[len(line) :], *before[-1:]], entry)
            taken_back.pop(version, None)
        return tuple(line), taken_back

    def problems(self) -> list[str]:
        """What is wrong with the history, one line each."""
        gone = ", ".join(map(str, self.removed))
        problems = [f"removed from the registry, or damaged: entry {gone}"] if gone else []
        if self.alias != self.champion:
            alias = f"is on version {self.alias}" if self.alias else "is not set"
            problems.append(
                f"the alias champion {alias}, the history says version {self.champion}: a promotion was interrupted, "
                "or the alias was moved, or a version or entry deleted; the next promotion or rollback repairs it"
            )
        return problems


def _back_to(version: str, line: list[str]) -> list[str]:
    """The line up to where this version was champion before; with it at the end if it never was."""
    earlier = line[:-1]
    return line[: len(earlier) - earlier[::-1].index(version)] if version in earlier else [*line, version]
