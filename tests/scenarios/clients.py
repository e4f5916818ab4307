#!/usr/bin/env python3
"""Clients of a model behind HAProxy, that count what they see.

usage: clients.py SOCKET RECORD KIND N [REQUESTS]

N clients at a time, until there is a file `stop`, or each for so many REQUESTS. KIND:

    fresh    a connection for each request
    keep     one connection as long as the other side lets them
    cookie   the same, and they send the cookies that they were given
    stream   one answer each, from /stream, to its end, with each of its words

Each answer is a line in RECORD: time, client, status and version: "1764439200.123 0 200 v2".
"lost" stands for the status of one that was not complete. As with any HTTP client, a connection
that was closed while idle is no failure: the request is sent again over a new one.
"""
import os
import re
import socket
import sys
import threading
import time

path, record, kind, n = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
requests = int(sys.argv[5]) if len(sys.argv) > 5 else None


class Lost(Exception):
    pass


def version_of(text):
    found = re.search(r'version"?[ :]"?(v[0-9]+)', text)
    return found.group(1) if found else ""


def is_whole(body):
    """A stream: its words are numbered, and the end says how many there were."""
    lines = re.findall(r"(?m)^(word|end) ([0-9]+)", body)
    words = [int(number) for word, number in lines if word == "word"]
    return words == list(range(1, len(words) + 1)) and lines[-1:] == [("end", str(len(words)))]


class Client:
    def __init__(self, number, out):
        self.number, self.out = number, out
        self.connection, self.reused, self.cookie = None, False, ""

    def connect(self):
        self.reused = self.connection is not None
        if not self.reused:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(20)
            s.connect(path)
            self.connection = s

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def send(self, target):
        close = "Connection: close\r\n" if kind in ("fresh", "stream") else ""
        cookie = "Cookie: %s\r\n" % self.cookie if self.cookie else ""
        self.connection.sendall(("GET %s HTTP/1.1\r\nHost: m\r\n%s%s\r\n" %
                                 (target, close, cookie)).encode())

    def receive(self):
        """Head and body; None: the connection was closed before anything came."""
        text = b""
        while not self.complete(text):
            more = self.connection.recv(65536)
            if not more and not text:
                return None
            if not more:
                raise Lost(text.decode())
            text += more
        head, _, body = text.partition(b"\r\n\r\n")
        return head.decode(), body.decode()

    @staticmethod
    def complete(text):
        head, there, body = text.partition(b"\r\n\r\n")
        if not there:
            return False
        if b"chunked" in head.lower():
            return body.endswith(b"0\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return len(body) >= int(line.split(b":")[1])
        return False

    def ask(self, target):
        """Status and version."""
        answer = None
        while answer is None:
            try:
                self.connect()
                self.send(target)
                answer = self.receive()
            except (BrokenPipeError, ConnectionResetError):
                if not self.reused:
                    raise
            if answer is None:
                again = self.reused
                self.close()
                if not again:
                    raise Lost
        head, body = answer
        for line in head.split("\r\n"):
            if line.lower().startswith("set-cookie:") and kind == "cookie":
                self.cookie = line.split(":", 1)[1].split(";")[0].strip()
        if kind in ("fresh", "stream") or "connection: close" in head.lower():
            self.close()
        status = head.split(" ", 2)[1]
        if status != "200":
            return status, ""
        if kind == "stream" and not is_whole(body):
            raise Lost(body)
        return status, version_of(body)

    def run(self):
        left = 1 if kind == "stream" else requests
        while left != 0 and (left is not None or not os.path.exists("stop")):
            try:
                status, version = self.ask("/stream" if kind == "stream" else "/predict")
            except (Lost, OSError) as e:
                status, version = "lost", version_of(str(e))
                self.close()
            self.out.write("%.3f %d %s %s\n" % (time.time(), self.number, status, version))
            if left is not None:
                left -= 1
            else:
                time.sleep(0.01)


with open(record, "a", buffering=1, encoding="ascii") as seen:
    threads = [threading.Thread(target=Client(i, seen).run) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
