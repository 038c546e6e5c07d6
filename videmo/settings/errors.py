"""What is wrong with a setting, in a line: pydantic's findings in the words of a params file."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

SHOWN = 120  # characters of a value, in a message


class SettingError(ValueError):
    """An invalid setting; the message names file, key, value and remedy on one line."""


def describe(problem: ErrorDetails, model: type[BaseModel], prefix: str = "") -> str:
    """One finding of `ValidationError.errors()` about a value of `model`: the key, its value and the remedy.

    prefix: the section that `model` is of, such as "data."."""
    key, kind, value = prefix + ".".join(str(part) for part in problem["loc"]), problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return f"{key}: no such setting{_nearest(problem['loc'], model)}"
    message = problem["msg"].removeprefix("Value error, ")
    if kind == "value_error":  # raised by a rule of the settings' own, which names what it is about
        return message
    if kind == "model_type":
        section = _section(problem["loc"], model)
        return f"{key} = {_shown(value)}: must be a section" + (f" with settings {_names(section)}" if section else "")
    if kind == "missing" and isinstance(value, dict):
        return f"{key} is missing"
    if kind == "missing":  # of a list that is too short: the key is the place of what is not there
        return f"{key.rpartition('.')[0]} = {_shown(value)}: must have more than {len(value)} values"
    return f"{key}{'' if isinstance(value, dict) else f' = {_shown(value)}'}: {message}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _nearest(location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    section = _section(location[:-1], model)
    if section is None:
        return ""
    close = get_close_matches(str(location[-1]), list(section.model_fields), n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {_names(section)}"


def _section(location: tuple[int | str, ...], model: type[BaseModel]) -> type[BaseModel] | None:
    """The section at a place, None where a value stands."""
    from pydantic import BaseModel

    for part in location:
        field = model.model_fields.get(str(part))
        takes = (field.annotation, *get_args(field.annotation)) if field else ()  # also of `Lora | None`
        section = next((one for one in takes if isinstance(one, type) and issubclass(one, BaseModel)), None)
        if section is None:
            return None
        model = section
    return model


def _names(section: type[BaseModel]) -> str:
    return ", ".join(section.model_fields)
