"""The settings that a stage may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from videmo.settings.params import Params


class SectionsView:
    """The sections of `params` that a stage declares, and nothing else: what it cannot see cannot change its result.

    `hidden` are settings inside these sections that it does not read ("sft.emotion"). `outside` are digests of what the
    sections point at outside the store: a folder of videos, a directory of weights. Every stage sees `execution`, which
    changes nothing of its result and stands apart from its sections. `modules` are those
    that the stage finds at run time.
    """

    def __init__(
        self,
        params: Params,
        sections: tuple[str, ...],
        stage: str,
        hidden: tuple[str, ...] = (),
        outside: Mapping[str, str] | None = None,
        modules: tuple[str, ...] = (),
    ):
        self.stage = stage
        self.modules = modules
        self.outside = dict(outside or {})
        self.execution = params.execution
        self._hidden = {
            name: {key.partition(".")[2] for key in hidden if key.startswith(f"{name}.")} for name in sections
        }
        self._sections = {name: getattr(params, name) for name in sections}

    def __getattr__(self, name: str) -> Any:
        sections = self.__dict__.get("_sections", {})
        if name not in sections:
            raise AttributeError(
                f"stage {self.__dict__.get('stage')} reads the section {name!r} and declares only "
                f"{sorted(sections)}: add it to its row in videmo/pipeline/dag.py"
            )
        return _PartOfSection(sections[name], self._hidden[name], self.stage) if self._hidden[name] else sections[name]

    def model_dump(self) -> dict[str, Any]:
        """The visible settings as JSON values, by section."""
        return {
            name: section.model_dump(mode="json", exclude=self._hidden[name])
            for name, section in self._sections.items()
        }


class _PartOfSection:
    def __init__(self, section: Any, hidden: set[str], stage: str):
        self._section, self._hidden, self._stage = section, hidden, stage

    def __getattr__(self, name: str) -> Any:
        if name in self._hidden:
            raise AttributeError(
                f"stage {self._stage} reads the setting {name!r}, which its row in videmo/pipeline/dag.py hides"
            )
        return getattr(self._section, name)
