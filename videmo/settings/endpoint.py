"""A large model behind an address."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from videmo.settings.kinds import Section


class Endpoint(Section):
    """A chat server that speaks OpenAI's protocol. How fast and how often it is asked: execution.endpoint."""

    url: str  # up to and including /v1
    model: str
    key_variable: str | None = None  # the environment variable with the key, such as OPENAI_API_KEY; null: no key
    temperature: Annotated[float, Field(ge=0, le=100)] = 0.0  # some models accept only 1
    max_reply_tokens: Annotated[int, Field(ge=0)] = 1024  # sent as max_tokens; 0: not sent, for models that refuse it

    @field_validator("url")
    @classmethod
    def is_an_address(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            right = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            right = False
        if not right:
            raise PydanticCustomError("address", "use an address such as https://api.openai.com/v1")
        if "@" in parts.netloc or parts.query or parts.fragment:
            # Without the value: it may hold a key.
            raise ValueError(
                "the url of an endpoint must have no user name, query or fragment; put the key into key_variable"
            )
        return url.rstrip("/")
