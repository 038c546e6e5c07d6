"""A chat server asked over real HTTP: what is replied, what is kept, what is refused and how that is told."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from chat_server import Sent
from default_settings import endpoint_limits, params_with

from videmo.llm.client import CeilingReached, Client, EndpointError, Request, connect
from videmo.settings.endpoint import Endpoint
from videmo.settings.errors import SettingError
from videmo.settings.execution import EndpointLimits

KEY = "sk-0123456789abcdef"
WHERE = "rl.reward.scorer"


def client(server, **settings) -> Client:
    limits = {name: settings.pop(name) for name in EndpointLimits.model_fields if name in settings}
    endpoint = Endpoint(**{"url": server.url, "model": "m", **settings})
    return connect(endpoint, endpoint_limits(**{"retries": 1, **limits}), WHERE)


def asked(*contents: str) -> list[Request]:
    return [Request("Repeat.", content) for content in contents]


def kept(folder) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted((folder / "replies").rglob("*.json"))]


def test_replies_come_in_the_order_of_the_requests(chat_server):
    numbers = [str(number) for number in range(20)]
    assert client(chat_server).ask(asked(*numbers)) == [f"heard {number}" for number in numbers]
    body = chat_server.bodies[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("m", 0, 1024)
    assert body["messages"][0] == {"role": "system", "content": "Repeat."}
    assert chat_server.headers[0]["path"] == "/v1/chat/completions"


def test_no_more_are_asked_at_once_than_allowed(chat_server):
    chat_server.script = [Sent("slow", seconds=0.1)] * 9
    client(chat_server, concurrency=3).ask(asked(*"abcdefghi"))
    assert chat_server.most_at_once == 3


def test_a_rate_is_kept(chat_server):
    started = time.monotonic()
    client(chat_server, requests_per_minute=60 / 0.05).ask(asked(*"abcde"))
    assert time.monotonic() - started >= 4 * 0.05


def test_the_same_is_never_asked_twice(chat_server):
    assert client(chat_server).ask(asked("a", "b", "a")) == ["heard a", "heard b", "heard a"]
    assert client(chat_server).ask(asked("b", "c")) == ["heard b", "heard c"]
    assert sorted(chat_server.contents) == ["a", "b", "c"]
    client(chat_server, model="other").ask(asked("a"))
    client(chat_server, temperature=1).ask(asked("a"))
    assert len(chat_server.contents) == 5


def test_a_reply_that_was_damaged_on_disk_is_asked_for_again(chat_server, tmp_path):
    client(chat_server).ask(asked("a"))
    (path,) = (tmp_path / "replies").rglob("*.json")
    path.write_text(path.read_text()[:20])
    assert client(chat_server).ask(asked("a")) == ["heard a"]
    assert chat_server.contents == ["a", "a"]


@pytest.mark.parametrize(
    "trouble",
    [
        Sent(status=429, raw="slow down", headers={"Retry-After": "1"}),
        Sent(status=503, raw="<html>"),
        Sent("whole", cut=True),
        Sent("late", seconds=1.5),
    ],
    ids=["429", "503", "connection lost", "timeout"],
)
def test_what_passes_is_waited_for(chat_server, trouble):
    chat_server.script = [trouble]
    started = time.monotonic()
    assert client(chat_server, timeout=1).ask(asked("a")) == ["heard a"]
    assert chat_server.contents == ["a", "a"]
    assert time.monotonic() - started >= float(trouble.headers.get("Retry-After", 0))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (Sent(status=500, raw="oh"), r"url = http.*: server error after 1 retries; run again later \(500: oh\)"),
        (Sent(status=429, raw="oh"), r"requests_per_minute = None: too many for .* \(429: oh\)"),
        (
            Sent(seconds=0.5),
            r"url = http.*: no answer after 1 retries \(Read timed out.*check that the server is running",
        ),
        (Sent("whole", cut=True), r"url = http.*: no answer after 1 retries"),
    ],
    ids=["500", "429", "timeout", "connection lost"],
)
def test_what_does_not_pass_is_given_up(chat_server, sent, message):
    chat_server.script = [sent] * 2
    with pytest.raises(EndpointError, match=message):
        client(chat_server, timeout=0.2).ask(asked("a"))
    assert chat_server.contents == ["a", "a"]


REFUSED = '{"error": {"message": "not\\nthis"}}'


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (Sent(status=401, raw=REFUSED), r"key_variable = KEY: .* export a valid key \(401: not this\)"),
        (Sent(status=404, raw=REFUSED), r"model = m: not found at .*; correct the model .*\(404: not this\)"),
        (Sent(status=400, raw='{"error": "max_tokens"}'), r"refused the request; check .*max_reply_tokens \(400: "),
        (Sent(status=302, raw="", headers={"Location": "/elsewhere"}), r"refused the request; check url"),
        (Sent(raw="<html>Log in</html>"), r"the server there is not a chat server; .* /v1"),
        (Sent(raw="[" * 100_000), "not a chat server"),
        (Sent(raw='{"choices": []}'), "not a chat server"),
    ],
)
def test_a_refusal_is_told_at_once_with_setting_and_remedy(chat_server, monkeypatch, sent, message):
    monkeypatch.setenv("KEY", KEY)
    chat_server.script = [sent]
    with pytest.raises(EndpointError, match=rf"^rl\.reward\.scorer.*{message}") as refused:
        client(chat_server, key_variable="KEY").ask(asked("a"))
    assert "\n" not in str(refused.value)
    assert chat_server.contents == ["a"]


def test_a_server_that_wants_a_key_where_none_is_named(chat_server):
    chat_server.script = [Sent(status=401, raw="")]
    with pytest.raises(EndpointError, match=r"key_variable = None: .* set it to the environment variable"):
        client(chat_server).ask(asked("a"))
    assert "Authorization" not in chat_server.headers[0]


def test_nobody_at_the_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(EndpointError, match=r"no answer after 0 retries .*refused"):
            connect(Endpoint(url=url, model="m"), endpoint_limits(retries=0), WHERE).ask(asked("a"))


def test_a_model_that_says_nothing_or_thinks_aloud(chat_server):
    chat_server.script = [Sent(None)]
    assert client(chat_server).ask(asked("a")) == [""]
    chat_server.script = [Sent("<think>{hm}</think>\nyes ")]
    assert client(chat_server).ask(asked("b")) == ["yes"]
    assert client(chat_server).ask(asked("a")) == [""]
    assert len(chat_server.contents) == 2


def test_any_text_goes_there_and_back(chat_server):
    odd = ["", "žluťoučký 😀 ‮ \x00", "lone \ud800 surrogate", "x" * 100_000, '"quoted"\\']
    chat_server.reply = lambda instruction, content: content
    expected = [text.replace("\ud800", "?").strip() for text in odd]
    for _ in range(2):
        assert client(chat_server).ask(asked(*odd)) == expected
    assert len(chat_server.contents) == len(odd)


def test_the_ceiling_stops_and_the_next_run_goes_on_from_there(chat_server):
    contents = [str(number) for number in range(10)]
    first = client(chat_server, max_requests=6, concurrency=4)
    with pytest.raises(CeilingReached, match=r"execution\.endpoint\.max_requests = 6: .*run again to go on"):
        first.ask(asked(*contents))
    assert len(chat_server.contents) == 6
    with pytest.raises(CeilingReached):
        first.ask(asked("new"))
    assert client(chat_server, max_requests=6).ask(asked(*contents)) == [f"heard {content}" for content in contents]
    assert sorted(chat_server.contents) == contents


def test_retries_count_as_requests_and_keep_to_the_rate(chat_server):
    chat_server.script = [Sent(status=503)] * 9
    with pytest.raises(CeilingReached):
        client(chat_server, max_requests=3, retries=5).ask(asked("a"))
    assert len(chat_server.contents) == 3
    chat_server.script = [Sent(status=503, headers={"Retry-After": "0"})]
    started = time.monotonic()
    assert client(chat_server, requests_per_minute=60 / 1.5).ask(asked("b")) == ["heard b"]
    assert time.monotonic() - started >= 1.5


def test_after_an_error_no_more_is_begun_and_what_was_under_way_is_kept(chat_server):
    chat_server.script = [Sent(status=400, raw="no", seconds=0.1), *[Sent("kept", seconds=0.3)] * 7]
    with pytest.raises(EndpointError, match="400"):
        client(chat_server, concurrency=2).ask(asked(*"abcdefgh"))
    answered = chat_server.contents[1:]
    assert len(answered) <= 2  # the thread that was refused may have begun another before the word was out
    assert client(chat_server).ask(asked(*answered)) == ["kept"] * len(answered)
    assert len(chat_server.contents) == 1 + len(answered)


ASKING = """
import sys
from videmo.llm.client import Request, connect
from videmo.settings.endpoint import Endpoint
from videmo.settings.params import load_params
limits = load_params(overrides=["execution.endpoint.concurrency=2"]).execution.endpoint
asker = connect(Endpoint(url=sys.argv[1], model="m"), limits, "evaluation.endpoint")
print(len(set(asker.ask([Request("Repeat.", str(number)) for number in range(30)]))))
"""


def start_asking(server, folder):
    return subprocess.Popen(
        [sys.executable, "-c", ASKING, server.url],
        env={**os.environ, "VIDEMO_HOME": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_process_that_is_killed_is_followed_by_one_that_asks_only_for_the_rest(chat_server, tmp_path):
    chat_server.script = [Sent("slow", seconds=0.05)] * 30
    process = start_asking(chat_server, tmp_path)
    while process.poll() is None and len(kept(tmp_path)) < 10:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.1)  # the server finishes what it was at
    replied, before = len(kept(tmp_path)), len(chat_server.contents)
    chat_server.script.clear()
    assert start_asking(chat_server, tmp_path).wait() == 0
    assert len(chat_server.contents) - before == 30 - replied
    assert len(kept(tmp_path)) == 30


def test_several_processes_share_what_was_replied(chat_server, tmp_path):
    processes = [start_asking(chat_server, tmp_path) for _ in range(3)]
    assert [process.communicate()[0].strip() for process in processes] == ["30"] * 3
    assert len(kept(tmp_path)) == 30
    assert start_asking(chat_server, tmp_path).wait() == 0
    assert len(chat_server.contents) <= 3 * 30


def test_the_key_reaches_the_server_and_nothing_else(chat_server, tmp_path, monkeypatch, caplog, capfd):
    monkeypatch.setenv("KEY", f" {KEY}\n")
    caplog.set_level(logging.DEBUG)
    asking = client(chat_server, key_variable="KEY")
    chat_server.script = [Sent(f"your key is {KEY}"), Sent(status=503, raw=KEY)]
    asking.ask(asked("a"))
    asking.ask(asked("b"))
    chat_server.script = [Sent(status=401, raw=json.dumps({"error": {"message": f"{KEY} is not valid"}}))]
    with pytest.raises(EndpointError, match=r"401: \[key\] is not valid") as refused:
        asking.ask(asked("c"))
    assert chat_server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in json.dumps(kept(tmp_path))
    assert KEY not in f"{asking!r} {asking.__dict__['_settings']!r} {refused.value} {caplog.text} {capfd.readouterr()}"
    assert len(kept(tmp_path)) == 2


@pytest.mark.parametrize("held", [None, "", "  ", "two words", "schlüssel", "a\nb"])
def test_a_key_that_is_missing_or_none_is_refused_without_repeating_it(held, monkeypatch):
    monkeypatch.delenv("KEY", raising=False)
    if held is not None:
        monkeypatch.setenv("KEY", held)
    with pytest.raises(SettingError, match=r"^rl\.reward\.scorer\.key_variable = KEY: ") as refused:
        connect(Endpoint(url="http://h/v1", model="m", key_variable="KEY"), endpoint_limits(), WHERE)
    assert not (held and held.strip()) or held not in str(refused.value)


def test_a_proxy_of_the_environment_is_used_where_it_is_not_ruled_out(chat_server, monkeypatch):
    monkeypatch.setenv("http_proxy", chat_server.url.removesuffix("/v1"))
    elsewhere = Endpoint(url="http://models.invalid/v1", model="m")
    assert connect(elsewhere, endpoint_limits(retries=0), WHERE).ask(asked("a")) == ["heard a"]
    assert chat_server.headers[0]["path"] == "http://models.invalid/v1/chat/completions"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    client(chat_server).ask(asked("b"))
    assert chat_server.headers[1]["path"] == "/v1/chat/completions"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://h/v1", "http://", "http://h:99999/v1", "http://[h/v1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(SettingError, match=r"evaluation\.endpoint\.url = .*use an address such as"):
        params_with({"evaluation": {"endpoint": {"url": url, "model": "m"}}})


@pytest.mark.parametrize("url", [f"https://{KEY}@h/v1", f"https://h/v1?key={KEY}"])
def test_a_key_in_an_address_is_refused_without_repeating_it(url):
    with pytest.raises(SettingError, match="key_variable") as refused:
        params_with({"evaluation": {"endpoint": {"url": url, "model": "m"}}})
    assert KEY not in str(refused.value)
