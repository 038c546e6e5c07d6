"""A chat server for tests: real HTTP on this machine, with replies as a script says."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Sent:
    """What the server sends: a reply of the model where `status` is 200 and `raw` None, else `raw` as it stands."""

    reply: str | None = ""
    status: int = 200
    raw: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cut: bool = False  # the connection ends before the reply does


class ChatServer:
    """`script` is used up first, a row for each request; then `reply` says what the model answers to (system, user)."""

    def __init__(self) -> None:
        self.script: list[Sent] = []
        self.reply: Callable[[str, str], str] = lambda instruction, content: f"heard {content}"
        self.bodies: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    @property
    def contents(self) -> list[str]:
        """What was asked, in order of arrival."""
        return [body["messages"][-1]["content"] for body in self.bodies]

    def _next(self, body: dict) -> Sent:
        with self.lock:
            self.bodies.append(body)
            if self.script:
                return self.script.pop(0)
        return Sent(self.reply(*(message["content"] for message in body["messages"])))

    def _handler(server) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                with server.lock:
                    server.at_once += 1
                    server.most_at_once = max(server.most_at_once, server.at_once)
                    server.headers.append({**dict(self.headers), "path": self.path})
                sent = server._next(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                time.sleep(sent.seconds)
                text = sent.raw
                if text is None:
                    text = json.dumps({"choices": [{"message": {"role": "assistant", "content": sent.reply}}]})
                with server.lock:
                    server.at_once -= 1
                self._send(sent, text.encode())

            def _send(self, sent: Sent, content: bytes) -> None:
                try:
                    self.send_response(sent.status)
                    for name, value in {"Content-Length": str(len(content)), **sent.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(content[: len(content) // 2] if sent.cut else content)
                    self.close_connection = self.close_connection or sent.cut
                except ConnectionError:  # the client did not wait
                    self.close_connection = True

            def log_message(self, *arguments: object) -> None: ...

        return Handler
