"""A table of labels as people save it: from a spreadsheet, from pandas, in UTF-8 or UTF-16."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from videmo.settings.errors import SettingError

SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")  # Excel's, in front of the header


@dataclass(frozen=True)
class Row:
    line: int  # the last one of the row in the file
    values: dict[str, str]  # by column_name
    whole: bool  # as many fields as the header has


def read_table(path: Path) -> list[Row]:
    """The rows of a CSV. A column without a name may be empty, or count the rows as pandas does.

    Raises SettingError if the file is missing, is no CSV, is in another encoding, or has two columns of one name.
    """
    try:
        text = _decoded(path.read_bytes())
    except FileNotFoundError:
        raise SettingError(f"data.labels = {path.name}: no such file in {path.parent}; it lists the videos") from None
    except UnicodeDecodeError as error:
        encoding = error.encoding.upper()
        raise SettingError(f"{path}: not {encoding} at byte {error.start}; save it as UTF-8") from None
    except OSError as error:
        raise SettingError(f"{path}: cannot be read: {error.strerror}") from None
    stated = SEPARATOR_LINE.match(text)
    lines = io.StringIO(text[stated.end() :] if stated else text, newline="")
    reader = csv.reader(lines, strict=True, delimiter=stated[1] if stated else ",")
    try:
        header = [column_name(name) for name in next(reader, [])]
        rows = [(reader.line_num + bool(stated), fields) for fields in reader if fields]
    except csv.Error as error:
        raise SettingError(f"{path}: not a readable CSV: {error}") from None
    _check_header(header, path)
    for at in (
        at for at, name in enumerate(header) if not name and _counts([fields[at : at + 1] for _, fields in rows])
    ):
        rows = [(line, [*fields[:at], "", *fields[at + 1 :]]) for line, fields in rows]
    return [_row(line, fields, header) for line, fields in rows]


def column_name(name: str) -> str:
    """As columns are compared.

    >>> column_name(" Hair Colour")
    'hair_colour'
    """
    return "_".join(unicodedata.normalize("NFC", name).casefold().split())


def _decoded(content: bytes) -> str:
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if utf16 else "utf-8-sig")


def _check_header(header: list[str], path: Path) -> None:
    if "file" not in header:
        hint = "; separate fields by commas" if len(header) == 1 and {";", "\t"} & set(header[0]) else ""
        columns = ", ".join(header) or "none"
        raise SettingError(f"{path}: no column `file`, which names the videos; the columns are {columns}{hint}")
    for name in filter(None, header):
        if header.count(name) > 1:
            raise SettingError(f"{path}: duplicate column `{name}`; keep one")


def _counts(column: list[list[str]]) -> bool:
    """Whether the fields of a column, each in a list that is empty in a short row, are 0, 1, 2 and so on."""
    return all(field == [str(number)] for number, field in enumerate(column))


def _row(line: int, fields: list[str], header: list[str]) -> Row:
    missing = [""] * (len(header) - len(fields))
    columns = list(zip(header, [*fields, *missing], strict=False))
    lost = any(field for name, field in columns if not name)
    return Row(line, {name: field.strip() for name, field in columns if name}, len(fields) == len(header) and not lost)
