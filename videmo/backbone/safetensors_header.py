"""Read the header of a safetensors file: which tensors it holds, without torch and without reading the weights."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path

# Bytes of one value; a file with any other type is refused.
SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
         "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}  # fmt: skip
LONGEST = 100_000_000  # bytes of a header; the safetensors library has the same limit

Shape = tuple[int, ...]


def tensor_shapes(path: Path) -> dict[str, Shape]:
    """Name and shape of every tensor in the file.

    Raises ValueError, which names file and fault, where the header is not valid or the file is not complete.
    """
    try:
        header, data = _header(path)
        shapes = {name: _shape(name, entry) for name, entry in header.items()}
        _check_complete(header, shapes, data)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None
    return shapes


def _header(path: Path) -> tuple[dict[str, Mapping[str, object]], int]:
    """The header's entries, and how many bytes of data follow it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(8)
        if len(first) < 8:
            raise ValueError(f"is {size} bytes long, which is no safetensors file")
        (length,) = struct.unpack("<Q", first)
        if length > min(LONGEST, size - 8):
            raise ValueError(f"its header is said to be {length} bytes long, in a file of {size}; the file is damaged")
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError):
            raise ValueError("its header is not JSON; the file is damaged or no safetensors file") from None
    if not isinstance(header, dict) or not all(isinstance(entry, dict) for entry in header.values()):
        raise ValueError("its header is not a JSON object of tensors")
    header.pop("__metadata__", None)
    return header, size - 8 - length


def _shape(name: str, entry: Mapping[str, object]) -> Shape:
    if entry.get("dtype") not in SIZES:
        raise ValueError(f"{name[:80]} has type {str(entry.get('dtype'))[:20]}; use one of {', '.join(SIZES)}")
    if not _is_numbers(shape := entry.get("shape")) or not _is_numbers(entry.get("data_offsets")):
        raise ValueError(f"{name[:80]} has no valid shape and place in the header")
    return tuple(shape)  # type: ignore[arg-type]  # a list of whole numbers: checked above


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and all(type(number) is int and number >= 0 for number in value)


def _check_complete(header: Mapping[str, Mapping[str, object]], shapes: Mapping[str, Shape], data: int) -> None:
    """Tensors lie one after the other without gaps, as many bytes each as shape and type say, up to the file's end."""
    places = []
    for name, shape in shapes.items():
        offsets = header[name]["data_offsets"]
        assert isinstance(offsets, list)
        if len(offsets) != 2 or offsets[1] - offsets[0] != prod(shape) * SIZES[str(header[name]["dtype"])]:
            raise ValueError(f"the place of {name[:80]} does not fit its shape {list(shape)}")
        places.append((offsets[0], offsets[1]))
    end = 0
    for start, stop in sorted(places):
        if start != end:
            raise ValueError("tensors overlap or leave gaps; the file is damaged")
        end = stop
    if end != data:
        raise ValueError(f"its tensors take {end} bytes, and {data} follow the header; the file is not complete")
