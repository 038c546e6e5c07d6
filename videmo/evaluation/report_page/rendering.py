"""Renders content into a self-contained page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined, select_autoescape

from videmo.evaluation.evidence import SIGNIFICANT


def render(template: str, content: Mapping[str, object], beside: Path | None = None) -> str:
    """The page that a template makes of `content`. `beside`: a directory with templates of its own, which may use those
    here."""
    here = PackageLoader("videmo.evaluation", "report_page")
    pages = Environment(
        loader=ChoiceLoader([here, FileSystemLoader(beside)]) if beside else here,
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["duration"] = duration
    pages.filters["signed"] = lambda value: f"{value:+z.1f}".replace("-", "\N{MINUS SIGN}")
    pages.filters["differing"] = lambda p: [name for name, value in p.items() if value < SIGNIFICANT]
    pages.filters["words"] = lambda name: name.replace("_", " ")
    pages.filters["shortened"] = shortened
    pages.filters["sha256"] = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return pages.get_template(template).render(content)


def duration(seconds: float) -> str:
    """`8.4 s`, `12 min 05 s`, `3 h 20 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def shortened(text: str, length: int) -> str:
    """The beginning of a text that is longer, and how much more there is."""
    return text if len(text) <= length else f"{text[:length]} ... and {len(text) - length} characters more"
