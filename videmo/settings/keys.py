"""The key of a large model's server: read from the environment variable that a setting names, never written down."""

from __future__ import annotations

import os

from videmo.settings.errors import SettingError


def read_key(variable: str | None, setting: str) -> str | None:
    """The key in the environment variable `variable`; None where the server asks for none.

    Raises SettingError, which speaks of `setting`, where the variable is not set or holds what is no key.
    """
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise SettingError(
            f"{setting}.key_variable = {variable}: no such environment variable; export {variable}, or set "
            f"{setting}.key_variable to null for a server that needs no key"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SettingError(f"{setting}.key_variable = {variable}: its value is not an API key, which is one ASCII word")
    return key
