"""Client for a chat server with OpenAI's protocol: concurrent, rate limited, with a request limit and a reply cache.

Replies are cached in $VIDEMO_HOME/replies/, one file for each request, named by its content. A stopped run continues
from there, and other processes share it. The API key is sent to the server and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from videmo.settings.keys import read_key
from videmo.stages.files import write_json
from videmo.stages.store import home

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

    from videmo.settings.endpoint import Endpoint
    from videmo.settings.execution import EndpointLimits

TRY_AGAIN = frozenset({408, 409, 429, *range(500, 600)})
LONGEST_WAIT = 60  # seconds, even if the server asks for more
BROKEN = (ValueError, LookupError, TypeError, RecursionError)  # what reading JSON of an unexpected shape may raise


@dataclass(frozen=True)
class Request:
    """The instruction to the model (system message) and the content to apply it to (user message)."""

    instruction: str
    content: str


Ask = Callable[[Sequence[Request]], list[str]]
"""The replies, in the order of the requests."""


class EndpointError(RuntimeError):
    """The server cannot be reached or refuses the request; the message names setting, value and remedy."""


class CeilingReached(EndpointError):
    """The run of a stage has made `max_requests` requests. The next run continues from there."""


def connect(settings: Endpoint, limits: EndpointLimits, setting: str) -> Client:
    """A client whose errors name `setting`, such as rl.reward.scorer. Sends nothing yet.

    Raises SettingError if the environment variable with the API key is not set or does not look like a key.
    """
    return Client(settings, limits, setting, read_key(settings.key_variable, setting), home() / "replies")


class Client:
    """Made by `connect`. Sends requests in several threads; use it from one."""

    def __init__(self, settings: Endpoint, limits: EndpointLimits, setting: str, key: str | None, replies: Path):
        self._settings, self._limits, self._setting, self._key, self._replies = settings, limits, setting, key, replies
        self._server = _pool(settings.url, limits, self._take_turn)
        self._lock = threading.Lock()
        self._sent = 0
        self._next_turn = 0.0

    @property
    def name(self) -> str:
        """The model and where it runs: model@host."""
        return f"{self._settings.model}@{urlsplit(self._settings.url).netloc}"

    def ask(self, requests: Sequence[Request]) -> list[str]:
        """The replies, from the cache where possible; "" for an empty reply.

        Raises EndpointError at the first request that fails after its retries, and CeilingReached. Replies received by
        then stay in the cache.
        """
        bodies = [self._body(request) for request in requests]
        known = {body: _read(self._cache_file(body)) for body in bodies}
        with ThreadPoolExecutor(self._limits.concurrency) as threads:
            pending = {threads.submit(self._reply, body): body for body, reply in known.items() if reply is None}
            try:
                for reply in as_completed(pending):
                    known[pending[reply]] = reply.result()
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)  # requests under way still end and are cached
                raise
        return [known[body] or "" for body in bodies]

    def _body(self, request: Request) -> str:
        settings = self._settings
        messages = [
            {"role": "system", "content": request.instruction},
            {"role": "user", "content": _writable(request.content)},
        ]
        limit = {"max_tokens": settings.max_reply_tokens} if settings.max_reply_tokens else {}
        body = {"model": settings.model, "temperature": settings.temperature, "messages": messages}
        return json.dumps({**body, **limit}, sort_keys=True)

    def _cache_file(self, body: str) -> Path:
        name = hashlib.sha256(f"{self._settings.url}\n{body}".encode()).hexdigest()
        return self._replies / name[:2] / f"{name}.json"

    def _reply(self, body: str) -> str:
        self._take_turn()
        reply = _content(self._post(body))
        if reply is None:
            raise EndpointError(
                f"{self._setting}.url = {self._settings.url}: the server there is not a chat server; most addresses "
                "end in /v1"
            )
        cache_file = self._cache_file(body)
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        write_json(cache_file, {"url": self._settings.url, "request": json.loads(body), "reply": reply})
        return reply

    def _take_turn(self) -> None:
        """Wait until the rate allows a request, or a retry of one. Raises CeilingReached."""
        limits = self._limits
        with self._lock:
            if self._sent >= limits.max_requests:
                raise CeilingReached(
                    f"execution.endpoint.max_requests = {limits.max_requests}: limit reached; run again to go on, or "
                    f"raise it; replies are cached in {self._replies}"
                )
            self._sent += 1
            turn = max(time.monotonic(), self._next_turn)
            self._next_turn = turn + 60 / limits.requests_per_minute if limits.requests_per_minute else turn
        time.sleep(max(0.0, turn - time.monotonic()))

    def _post(self, body: str) -> str:
        """The server's response, with the API key removed in case the server repeats it."""
        from urllib3.exceptions import HTTPError

        settings = self._settings
        headers = {
            "Content-Type": "application/json",
            **({"Authorization": f"Bearer {self._key}"} if self._key else {}),
        }
        try:
            response = self._server.request(
                "POST", f"{settings.url}/chat/completions", body=body.encode(), headers=headers, redirect=False
            )
        except HTTPError as error:
            cause = str(getattr(error, "reason", error)).rpartition(": ")[2]
            raise EndpointError(
                f"{self._setting}.url = {settings.url}: no answer after {self._limits.retries} retries ({cause}); "
                "check that the server is running and the address is right"
            ) from None
        text = response.data.decode("utf-8", "replace")
        text = text.replace(self._key, "[key]") if self._key else text
        if response.status != 200:
            raise EndpointError(f"{self._refused(response.status)} ({response.status}: {_complaint(text)})")
        return text

    def _refused(self, status: int) -> str:
        settings, setting = self._settings, self._setting
        if status in (401, 403):
            remedy = "export a valid key" if self._key else "set it to the environment variable with the key"
            return (
                f"{setting}.key_variable = {settings.key_variable}: {settings.url} requires a valid API key; {remedy}"
            )
        if status == 404:
            return f"{setting}.model = {settings.model}: not found at {settings.url}; correct the model or the url"
        if status == 429:
            return (
                f"execution.endpoint.requests_per_minute = {self._limits.requests_per_minute}: too many for "
                f"{settings.url}, or its quota is used up; lower it and run again, replies are cached"
            )
        if status in TRY_AGAIN:
            return f"{setting}.url = {settings.url}: server error after {self._limits.retries} retries; run again later"
        return f"{setting}: {settings.url} refused the request; check url, model, temperature and max_reply_tokens"


def _pool(url: str, limits: EndpointLimits, take_turn: Callable[[], None]) -> PoolManager:
    from urllib3 import PoolManager, ProxyManager, Retry

    class Turns(Retry):
        """A retry is a request too: it waits for its turn and counts towards the limit."""

        def sleep(self, response: BaseHTTPResponse | None = None) -> None:
            super().sleep(response)
            take_turn()

    retry = Turns(
        limits.retries,
        allowed_methods={"POST"},
        status_forcelist=TRY_AGAIN,
        raise_on_status=False,
        backoff_factor=1,
        backoff_max=LONGEST_WAIT,
        backoff_jitter=1,
        retry_after_max=LONGEST_WAIT,
    )
    address = urlsplit(url)
    proxy = None if proxy_bypass(address.netloc) else getproxies().get(address.scheme)
    pool = partial(ProxyManager, proxy) if proxy else PoolManager
    return pool(maxsize=limits.concurrency, retries=retry, timeout=limits.timeout)


def _content(text: str) -> str | None:
    """The model's reply; None if the response is not that of a chat server."""
    try:
        content = json.loads(text)["choices"][0]["message"]["content"]
    except BROKEN:
        return None
    # Some servers include the model's reasoning in its reply.
    return _writable(content if isinstance(content, str) else "").rpartition("</think>")[2].strip()


def _complaint(text: str) -> str:
    with suppress(*BROKEN):
        text = str(json.loads(text)["error"]["message"])
    return " ".join(text.split())[:200]


def _writable(text: str) -> str:
    """The text without lone surrogates, which UTF-8 cannot encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _read(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["reply"])
    except (FileNotFoundError, *BROKEN):
        return None
