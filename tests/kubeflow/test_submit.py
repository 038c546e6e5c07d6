"""An address that is no server of Kubeflow Pipelines, or one that refuses the run, is told in one line."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from default_settings import params_with

from videmo.kubeflow.pipeline_file import load
from videmo.kubeflow.submit import check_endpoint, submit
from videmo.settings.errors import SettingError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server() -> Iterator[Callable[..., str]]:
    """Start a server that answers /healthz with one thing and everything else with another; returns its address.

    asked: where the paths go that it is asked for."""
    started: list[ThreadingHTTPServer] = []

    def start(health: bytes, rest: tuple[int, bytes] = (200, b"{}"), asked: list[str] | None = None) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if asked is not None:
                    asked.append(self.path)
                status, body = (200, health) if self.path.endswith("/healthz") else rest
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *said: object) -> None:
                pass

        started.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=started[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{started[-1].server_port}"

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


def test_a_server_that_reports_its_health_is_accepted_after_one_request(server):
    asked: list[str] = []
    check_endpoint(server(b'{"multi_user": false}', asked=asked))
    assert asked == ["/apis/v2beta1/healthz"]


@pytest.mark.parametrize("page", [b"<html>another server</html>", b"[]", b""])
def test_another_server_at_the_address_is_refused(server, page):
    with pytest.raises(SettingError, match="no Kubeflow Pipelines server there: its answer is not that"):
        check_endpoint(server(page))


def test_a_server_that_does_not_take_the_run_is_quoted(server, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    endpoint = server(b'{"multi_user": false}', (500, b'{"error": "the queue is full"}'))
    with pytest.raises(SettingError, match=r"the server answers 500: .*the queue is full"):
        submit(load(ROOT / "pipelines/full.py"), params_with({}), endpoint, "monday", fresh=False)
