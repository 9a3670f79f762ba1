"""The wire between the functions and AWS: counts their calls, and lets some of them fail."""

import collections
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Wire:
    def __init__(self):
        self.upstream = None
        self.calls = collections.Counter()
        self.faults = []
        self.lock = threading.Lock()
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                try:
                    self.pass_on()
                except (OSError, http.client.HTTPException):
                    # AWS cut the answer off, or the function was killed: what is left of the call ends too.
                    self.close_connection = True

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                call = self.headers.get("x-amz-target", "").rsplit(".", 1)[-1]
                status, headers, answer = wire.fault(call) or wire.forward(self.path, dict(self.headers), body)
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def forward(self, path, headers, body):
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=30)
        try:
            # With the caller's own Host: it is signed.
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def fail(self, call, times, status=500, code="InternalServerError"):
        """The next so many of these calls fail."""
        with self.lock:
            self.faults += [(call, status, code)] * times

    def fault(self, call):
        with self.lock:
            self.calls[call] += 1
            for fault in self.faults:
                if fault[0] == call:
                    self.faults.remove(fault)
                    _, status, code = fault
                    answer = f'{{"__type": "com.amazonaws.fault#{code}", "message": "on request"}}'.encode()
                    return status, [("content-type", "application/x-amz-json-1.0")], answer
        return None
