#!/usr/bin/python3
# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that misbehaves on demand, for the driver's tests.

test_server.py FOLDER [CERTIFICATE KEY [CLIENT_CA]]

Listens on a free port of 127.0.0.1, which it writes to FOLDER/port. /files/NAME is the file of that
name in FOLDER, which PUT, POST and PATCH replace. What it was asked stands in FOLDER/log: a line a
request with method, path, the connection's number, headers and body.
"""

import collections
import hashlib
import http.server
import itertools
import os
import pathlib
import re
import ssl
import sys
import threading
import urllib.parse

FOLDER = pathlib.Path(sys.argv[1])
CONNECTIONS = itertools.count(1)
ANSWERS = collections.defaultdict(lambda: itertools.count(1))
LOG_LOCK = threading.Lock()
USER, PASSWORD, REALM, NONCE = "poller", "open sesame", "here", "n0nce"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.number = next(CONNECTIONS)

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status not in (204, 304):
            self.wfile.write(body)

    def raw(self, data):
        self.wfile.write(data)
        self.wfile.flush()

    def end(self):
        self.close_connection = True

    def until_the_client_goes(self):
        self.end()
        while self.connection.recv(4096):
            pass

    def chunk(self, data):
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        headers = " ".join(f"{name.lower()}={value}" for name, value in self.headers.items())
        with LOG_LOCK, open(FOLDER / "log", "a", encoding="utf-8") as log:
            log.write(f"{self.command} {self.path} conn={self.number} {headers} "
                      f"body={self.body.decode('latin-1')}\n")
        path, _, query = self.path.partition("?")
        words = path.strip("/").split("/")
        getattr(self, "do_" + words[0])(words[1:], urllib.parse.unquote(query))

    do_GET = do_POST = do_PUT = do_PATCH = serve

    def do_files(self, words, query):
        file = FOLDER / words[0]
        if self.command != "GET":
            temporary = file.with_suffix(".new")
            temporary.write_bytes(self.body)
            temporary.rename(file)
            return self.answer(200, b"ok")
        if not file.exists():
            return self.answer(404, b"no such file")
        body = file.read_bytes()
        tag = '"%s"' % hashlib.sha1(body).hexdigest()
        if self.headers.get("If-None-Match") == tag:
            return self.answer(304, headers=[("ETag", tag)])
        return self.answer(200, body, [("ETag", tag)])

    def do_count(self, words, query):  # Which answer of this name it is.
        self.answer(200, b'{"n":%d}' % next(ANSWERS[words[0]]))

    def do_dated(self, words, query):
        date = "Wed, 21 Oct 2015 07:28:00 GMT"
        if self.headers.get("If-Modified-Since") == date:
            return self.answer(304)
        return self.answer(200, b'{"a":1}', [("Last-Modified", date)])

    def do_same(self, words, query):  # 304 whatever was asked.
        self.answer(304)

    def do_status(self, words, query):
        headers = [("Retry-After", words[1])] if len(words) > 1 else []
        self.answer(int(words[0]), b"x" * 100, headers)

    def do_refused(self, words, query):  # With more words than anybody wants.
        self.answer(404, b"x" * 3_000_000)

    def do_to(self, words, query):
        self.answer(int(words[0]) if words else 302, b"over there", [("Location", query)])

    def do_loop(self, words, query):
        self.answer(302, b"", [("Location", "/loop")])

    def do_silent(self, words, query):
        self.until_the_client_goes()

    def do_stalled(self, words, query):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":")
        self.until_the_client_goes()

    def do_cut(self, words, query):
        self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":1}")
        self.end()

    def do_dropped(self, words, query):
        self.end()

    def do_garbage(self, words, query):
        self.raw(b"220 mail.example ESMTP\r\n")
        self.end()

    def do_big(self, words, query):
        self.answer(200, b"[" + b" " * 10_000_000 + b"]")

    def do_endless(self, words, query):
        self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            self.chunk(b" " * 65536)

    def do_chunked(self, words, query):
        self.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (b'{"a"', b':', b'12', b'.5}'):
            self.chunk(part)
        self.raw(b"0\r\n\r\n")

    def do_closing(self, words, query):
        self.answer(200, b'{"a":1}', [("Connection", "close")])
        self.end()

    def do_leaving(self, words, query):  # Says that it stays, and goes.
        self.answer(200, b'{"a":1}')
        self.end()

    def do_header(self, words, query):  # More of a header than anybody takes.
        self.answer(200, b'{"a":1}', [("ETag", '"' + "x" * 5000 + '"')])

    def do_echo(self, words, query):
        self.answer(200, self.body)

    def allowed(self, words):
        given = self.headers.get("Authorization") or ""
        if words[0] == "basic":
            return given == "Basic cG9sbGVyOm9wZW4gc2VzYW1l"
        if words[0] == "bearer":
            return given == "Bearer " + PASSWORD.replace(" ", "")
        if words[0] == "header":
            return self.headers.get("X-Key") == PASSWORD
        said = dict(re.findall(r'(\w+)="?([^",]*)"?', given))
        if not given.startswith("Digest") or said.get("nonce") != NONCE:
            return False
        first = md5(f"{USER}:{REALM}:{PASSWORD}")
        second = md5(f"{self.command}:{self.path}")
        return said["response"] == md5(
            f"{first}:{NONCE}:{said['nc']}:{said['cnonce']}:{said['qop']}:{second}")

    def do_challenged(self, words, query):  # Takes what is authorized, and goes.
        if self.headers.get("Authorization"):
            return self.end()
        return self.answer(401, b"", [("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')])

    def do_auth(self, words, query):
        if self.allowed(words):
            return self.answer(200, b'{"a":1}')
        challenge = {
            "basic": f'Basic realm="{REALM}"',
            "digest": f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=MD5',
        }.get(words[0], "Bearer")
        return self.answer(401, b"", [("WWW-Authenticate", challenge)])


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, context):
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context

    def finish_request(self, request, client_address):
        # In the connection's own thread, so that no handshake delays others.
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # Clients that go are what many tests are about.


def main():
    context = None
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        if len(sys.argv) > 4:
            context.load_verify_locations(sys.argv[4])
            context.verify_mode = ssl.CERT_REQUIRED
    server = Server(context)
    temporary = FOLDER / "port.new"
    temporary.write_text(str(server.server_address[1]), encoding="utf-8")
    os.rename(temporary, FOLDER / "port")
    server.serve_forever()


main()
