"""The families of models there are. A new one is a folder beside this file, and a line here."""

from __future__ import annotations

from videmo.backbone import qwen2_5_vl
from videmo.backbone.family import Family

FAMILIES: dict[str, Family] = {family.model_type: family for family in (qwen2_5_vl.FAMILY,)}
