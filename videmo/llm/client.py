"""A chat server that speaks OpenAI's protocol: asked many things at once, never the same thing twice, up to a ceiling.

What it replied lies in $VIDEMO_HOME/replies/, a file for each request, by content: a run that was stopped goes on from
there, and so does another process. The key is sent to the server and goes nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from videmo.settings.keys import read_key
from videmo.stages.store import home

if TYPE_CHECKING:
    from urllib3 import PoolManager

    from videmo.settings.endpoint import Endpoint
    from videmo.settings.execution import EndpointLimits

TRY_AGAIN = frozenset({408, 409, 429, *range(500, 600)})
LONGEST_WAIT = 60  # seconds, whatever the server asks for
BROKEN = (ValueError, LookupError, TypeError, RecursionError)  # what reading JSON of another shape may raise


@dataclass(frozen=True)
class Request:
    """What the model is told to do, and what with."""

    instruction: str
    content: str


Ask = Callable[[Sequence[Request]], list[str]]
"""The replies, in the order of the requests."""


class EndpointError(RuntimeError):
    """The server could not be reached or does not do what it is asked; the message names setting, value and remedy."""


class CeilingReached(EndpointError):
    """A run of a stage has made as many requests as it may. The next run goes on from there."""


def connect(settings: Endpoint, limits: EndpointLimits, setting: str) -> Client:
    """A client whose errors speak of `setting`, such as rl.reward.scorer. Sends nothing yet.

    Raises SettingError where the environment variable with the key is not set, or holds what is no key.
    """
    return Client(settings, limits, setting, read_key(settings.key_variable, setting), home() / "replies")


class Client:
    """Made by `connect`. It asks in several threads and is itself for use by one."""

    def __init__(self, settings: Endpoint, limits: EndpointLimits, setting: str, key: str | None, replies: Path):
        self._settings, self._limits, self._setting, self._key, self._replies = settings, limits, setting, key, replies
        self._server = _pool(settings.url, limits, self._take_turn)
        self._lock = threading.Lock()
        self._sent = 0
        self._next_turn = 0.0

    @property
    def name(self) -> str:
        """Which model, and where: model@host."""
        return f"{self._settings.model}@{urlsplit(self._settings.url).netloc}"

    def ask(self, requests: Sequence[Request]) -> list[str]:
        """The replies, from the disk where they are known; "" where the model said nothing.

        Raises EndpointError at the first request that gets no reply, after its retries, and CeilingReached; whatever
        was replied by then is kept.
        """
        bodies = [self._body(request) for request in requests]
        known = {body: _read(self._kept_in(body)) for body in bodies}
        with ThreadPoolExecutor(self._limits.concurrency) as threads:
            asked = {threads.submit(self._reply, body): body for body, reply in known.items() if reply is None}
            try:
                for reply in as_completed(asked):
                    known[asked[reply]] = reply.result()
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)  # what is under way is still waited for, and kept
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

    def _kept_in(self, body: str) -> Path:
        name = hashlib.sha256(f"{self._settings.url}\n{body}".encode()).hexdigest()
        return self._replies / name[:2] / f"{name}.json"

    def _reply(self, body: str) -> str:
        self._take_turn()
        reply = _content(self._post(body))
        if reply is None:
            raise EndpointError(
                f"{self._setting}.url = {self._settings.url}: something answers there that is no chat server; the "
                "address of most ends in /v1"
            )
        _write(self._kept_in(body), {"url": self._settings.url, "request": json.loads(body), "reply": reply})
        return reply

    def _take_turn(self) -> None:
        """Wait until the rate allows a request, or a retry of one. Raises CeilingReached."""
        limits = self._limits
        with self._lock:
            if self._sent >= limits.max_requests:
                raise CeilingReached(
                    f"execution.endpoint.max_requests = {limits.max_requests}: so many were made; run again to go on "
                    f"or raise it; what was replied is kept in {self._replies} and is not asked again"
                )
            self._sent += 1
            turn = max(time.monotonic(), self._next_turn)
            self._next_turn = turn + 60 / limits.requests_per_minute if limits.requests_per_minute else turn
        time.sleep(max(0.0, turn - time.monotonic()))

    def _post(self, body: str) -> str:
        """What the server sends, without the key if it should repeat it."""
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
                f"{self._setting}.url = {settings.url}: no answer after {self._limits.retries} retries ({cause}); is "
                "the server up, and the address right?"
            ) from None
        text = response.data.decode("utf-8", "replace")
        text = text.replace(self._key, "[key]") if self._key else text
        if response.status != 200:
            raise EndpointError(f"{self._refused(response.status)} ({response.status}: {_complaint(text)})")
        return text

    def _refused(self, status: int) -> str:
        settings, setting = self._settings, self._setting
        if status in (401, 403):
            remedy = "export another" if self._key else "name the environment variable that holds one"
            return f"{setting}.key_variable = {settings.key_variable}: {settings.url} wants a valid key; {remedy}"
        if status == 404:
            return f"{setting}.model = {settings.model}: not at {settings.url}; correct the model or the url"
        if status == 429:
            return (
                f"execution.endpoint.requests_per_minute = {self._limits.requests_per_minute}: too many for "
                f"{settings.url}, or its quota is spent; lower it and run again, what was replied is kept"
            )
        if status in TRY_AGAIN:
            return f"{setting}.url = {settings.url}: out of order after {self._limits.retries} retries; run again later"
        return f"{setting}: {settings.url} refuses the request; correct url, model, temperature or max_reply_tokens"


def _pool(url: str, limits: EndpointLimits, take_turn: Callable[[], None]) -> PoolManager:
    from urllib3 import PoolManager, ProxyManager, Retry

    class Turns(Retry):
        """A retry is a request as well: it waits for its turn, and counts."""

        def sleep(self, response: Any = None) -> None:
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
    options: dict[str, Any] = {"maxsize": limits.concurrency, "retries": retry, "timeout": limits.timeout}
    address = urlsplit(url)
    proxy = None if proxy_bypass(address.netloc) else getproxies().get(address.scheme)
    return ProxyManager(proxy, **options) if proxy else PoolManager(**options)


def _content(text: str) -> str | None:
    """What the model said; None where the server's answer is not that of a chat server."""
    try:
        content = json.loads(text)["choices"][0]["message"]["content"]
    except BROKEN:
        return None
    # Some servers leave the model's thoughts in its reply.
    return _writable(content if isinstance(content, str) else "").rpartition("</think>")[2].strip()


def _complaint(text: str) -> str:
    with suppress(*BROKEN):
        text = str(json.loads(text)["error"]["message"])
    return " ".join(text.split())[:200]


def _writable(text: str) -> str:
    """Without lone surrogates, which have no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _read(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["reply"])
    except (FileNotFoundError, *BROKEN):
        return None


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.stem}.{os.getpid()}.{threading.get_ident()}")
    new.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(new, path)
