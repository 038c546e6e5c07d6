"""The kinds of values that settings have, and the section that they stand in."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1e38)]  # what float32 holds
Temperature = Annotated[float, Field(gt=0, le=100)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what numpy takes
Points = Annotated[float, Field(ge=0, strict=True)]  # strict: a yes inside a mapping would count as 1


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def booleans_are_not_numbers(cls, value: object, field: ValidationInfo) -> object:
        """YAML reads `yes` and `on` as true, which Python takes for 1."""
        takes = cls.model_fields[field.field_name or ""].annotation
        if takes is not bool and any(isinstance(one, bool) for one in (value if isinstance(value, list) else [value])):
            raise PydanticCustomError("yes", "must not be true or false (YAML reads yes, no, on and off as these)")
        return value
