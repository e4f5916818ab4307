#!/usr/bin/env python3
"""A web server for tests: it keeps what it is told.

usage: listen.py PORT-FILE RECORD

Listens on a free port of 127.0.0.1, writes the port to PORT-FILE, and appends each request to
RECORD as a line of JSON: method, path, query, type, body. The first part of the path says what it
answers: /hang never, /once-busy 429 the first time, /gone 404, /broken 500, /as/NAME what the file NAME
says at that moment ("403", or "hang"), /once/NAME 200 where there is a file NAME, which it takes
away, and 403 where there is none, anything else 200.
"""
import http.server
import json
import os
import sys
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    seen = set()

    def take(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlsplit(self.path)
        row = {"method": self.command, "path": url.path, "query": url.query,
               "type": self.headers.get("Content-Type"), "body": body.decode("utf-8")}
        with self.lock:
            with open(sys.argv[2], "a", encoding="utf-8") as record:
                record.write(json.dumps(row) + "\n")
            first = url.path not in self.seen
            self.seen.add(url.path)
        kind = url.path.split("/")[1]
        said = ""
        if kind == "as":
            with open(url.path.split("/")[2], encoding="ascii") as says:
                said = says.read().strip()
        if kind == "once":
            said = "200"
            try:
                os.unlink(url.path.split("/")[2])
            except FileNotFoundError:
                said = "403"
        if "hang" in (kind, said):
            threading.Event().wait(600)
        elif said:
            self.answer(int(said), {})
        elif kind == "once-busy" and first:
            self.answer(429, {"Retry-After": "1"})
        else:
            self.answer({"gone": 404, "broken": 500}.get(kind, 200), {})

    do_GET = do_POST = do_PUT = take

    def answer(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(sys.argv[1] + ".new", "w", encoding="ascii") as port:
    port.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
