"""An exception in one line, for records, logs and the screen."""

from __future__ import annotations

import traceback

from videmo.stages.report import STOPPED


def first_line(error: BaseException) -> str:
    """The first line of what an error says; the name of its kind where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def error_line(error: BaseException) -> str:
    """An error with its kind, as Python prints it; a refusal of the project's own, or a plain ValueError, without."""
    kind = type(error)
    if kind is KeyboardInterrupt:
        return STOPPED
    if not str(error) or kind is ValueError or kind.__module__.startswith("videmo."):
        return first_line(error)
    return traceback.format_exception_only(error)[-1].strip().splitlines()[0]
