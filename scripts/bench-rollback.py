#!/usr/bin/env python3
"""How long a rollback takes to reach the proxies: for the row `rollback` of scripts/bench.

usage: bench-rollback.py PROGRAM DIR RUNS

Two HAProxy instances share a canary and a primary; the runtime API of the second one answers 100 ms
late. For each run of the program a metrics server lets the canary's metric fall once traffic is at
60/40, and the canary writes down when it is given its last request. Half of the runs turn back by
an abort bound between two ticks, half by the threshold at a tick. Prints a line "value NAME MS" for
each figure: from the last byte of the first answer that is out of range to that last request.
"""
import asyncio
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

SLOW_S = 0.1  # how late the second socket answers
CLIENTS = 3  # of each proxy
GOOD, BAD = "0.95", "0.1"

HAPROXY = """global
  stats socket {dir}/haproxy{n}.sock mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend in
  bind unix@{dir}/in{n}.sock
  default_backend churn
backend churn
  balance roundrobin
  option redispatch
  server old unix@{dir}/old.sock weight 100
  server new unix@{dir}/new.sock weight 0
"""

PLAN = """apiVersion: modelferry.dev/v1alpha1
kind: Migration
metadata: {{name: churn-to-new}}
spec:
  model: {{name: churn, version: {version}}}
  source: {{name: old, serves: unchecked}}
  destination: {{name: new, dir: {dir}/new, link: current, serves: unchecked}}
  router:
    haproxy:
      sockets: ["unix:{dir}/haproxy1.sock", "unix:{dir}/slow.sock"]
      primary: [churn/old]
      canary: [churn/new]
      drainTimeout: 1s
  analysis:
    interval: 1s
    threshold: 1
    stepWeight: 40
    maxWeight: 40
    settle: 100ms
    watch: {watch}
    maxHold: 30s
    metrics:
    - name: accuracy
      address: http://127.0.0.1:{port}
      query: 'model_accuracy{{site="new"}}'
      primaryQuery: 'model_accuracy{{site="old"}}'
      interval: 100ms
      thresholdRange: {{min: 0.9}}
{abort}
      onNoData: hold
  bake: {{duration: 1s, interval: 1s}}
  rollback: {{verifyFor: 100ms}}
"""


def serve_models(folder, last, count):
    """Both model servers; of the canary, when it was given its last request."""

    async def play(reader, writer, canary):
        body = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                if canary:
                    last.value = time.monotonic_ns()
                    count.value += 1
                writer.write(body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def run():
        for name in ("old", "new"):
            await asyncio.start_unix_server(
                lambda r, w, canary=name == "new": play(r, w, canary), f"{folder}/{name}.sock")
        await asyncio.Event().wait()

    asyncio.run(run())


def ask_for_ever(path, failures):
    """One client: a request after the other."""
    request = b"GET /predict HTTP/1.1\r\nHost: m\r\n\r\n"
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(path)
                while True:
                    s.sendall(request)
                    answer = s.recv(4096)
                    if not answer:
                        break
                    if not answer.startswith(b"HTTP/1.1 200"):
                        failures.value += 1
                    time.sleep(0.002)
        except OSError:
            failures.value += 1
            time.sleep(0.01)


def load(folder, failures):
    for n in (1, 2):
        for _ in range(CLIENTS):
            threading.Thread(target=ask_for_ever, args=(f"{folder}/in{n}.sock", failures),
                             daemon=True).start()
    signal.pause()


def be_slow(folder):
    """The second proxy's runtime API: questions pass at once, answers SLOW_S later."""

    async def play(reader, writer):
        up, down = await asyncio.open_unix_connection(f"{folder}/haproxy2.sock")

        async def ask():
            while more := await reader.read(65536):
                down.write(more)

        asking = asyncio.create_task(ask())
        answer = b""
        while more := await up.read(65536):
            answer += more
        await asyncio.sleep(SLOW_S)
        writer.write(answer)
        await writer.drain()
        asking.cancel()
        down.close()
        writer.close()

    async def run():
        await asyncio.start_unix_server(play, f"{folder}/slow.sock")
        await asyncio.Event().wait()

    asyncio.run(run())


class Metrics:
    """Prometheus' instant queries, as far as the program asks them."""

    def __init__(self):
        self.bad = False
        self.decided_ns = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.server.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.play, args=(connection,), daemon=True).start()

    def play(self, connection):
        with connection, connection.makefile("rb") as f:
            while line := f.readline():
                length, query = 0, urllib.parse.urlsplit(line.split()[1].decode()).query
                while (header := f.readline()) not in (b"\r\n", b""):
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                form = urllib.parse.parse_qs(f.read(length).decode() or query)
                self.answer(connection, form.get("query", [""])[0])

    def answer(self, connection, query):
        bad = self.bad and 'site="new"' in query
        value = BAD if bad else GOOD
        if query == "vector(1)":  # is anybody there?
            value = "1"
        elif "time()" in query:  # the age of the newest sample
            value = "0.1"
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [
            {"metric": {}, "value": [time.time(), value]}]}}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                           + str(len(body)).encode() + b"\r\n\r\n" + body)
        if bad and self.decided_ns == 0:
            self.decided_ns = time.monotonic_ns()


def runtime(folder, n, *commands):
    answers = []
    for command in commands:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{folder}/haproxy{n}.sock")
            s.sendall(command.encode() + b"\n")
            answer = b""
            while more := s.recv(65536):
                answer += more
            answers.append(answer.decode())
    return answers


def wait_for(what, seconds, true):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            sys.exit(f"bench-rollback: {what}: not within {seconds} s")
        time.sleep(0.01)


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.metrics = Metrics()
        self.last = multiprocessing.Value("q", 0, lock=False)
        self.count = multiprocessing.Value("q", 0, lock=False)
        self.failures = multiprocessing.Value("q", 0, lock=False)
        self.children, self.proxies = [], []

    def start(self):
        jobs = ((serve_models, (self.folder, self.last, self.count)), (be_slow, (self.folder,)))
        for job, args in jobs:
            self.spawn(job, *args)
        wait_for("the model servers", 10, lambda: os.path.exists(f"{self.folder}/new.sock"))
        path = os.environ["PATH"] + ":/usr/sbin"
        for n in (1, 2):
            config = f"{self.folder}/haproxy{n}.cfg"
            with open(config, "w", encoding="utf-8") as f:
                f.write(HAPROXY.format(dir=self.folder, n=n))
            self.proxies.append(subprocess.Popen(["haproxy", "-db", "-f", config],
                                                 env={**os.environ, "PATH": path},
                                                 stdout=subprocess.DEVNULL,
                                                 stderr=subprocess.DEVNULL))
            wait_for("HAProxy", 10, lambda n=n: os.path.exists(f"{self.folder}/haproxy{n}.sock"))
        self.spawn(load, self.folder, self.failures)

    def spawn(self, job, *args):
        child = multiprocessing.Process(target=job, args=args, daemon=True)
        child.start()
        self.children.append(child)

    def stop(self):
        for child in self.children + self.proxies:
            child.kill()

    def ferry(self, *args):
        subprocess.run([self.program, *args], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def prepare(self, version):
        """All traffic with the primary, and a version that no run has rejected."""
        for n in (1, 2):
            runtime(self.folder, n, "set server churn/new state ready",
                    "set server churn/old weight 100", "set server churn/new weight 0")
        os.makedirs(f"{self.folder}/{version}")
        with open(f"{self.folder}/{version}/version.txt", "w", encoding="utf-8") as f:
            f.write(version)
        self.ferry("push", f"{self.folder}/{version}", f"churn@{version}")
        self.metrics.bad, self.metrics.decided_ns = False, 0

    def canary_weight(self, n):
        for line in runtime(self.folder, n, "show servers state churn")[0].splitlines():
            fields = line.split()
            if len(fields) > 8 and fields[3] == "new":
                return int(fields[7])
        return 0

    def run(self, i, by_abort):
        """One rollback, in milliseconds."""
        self.prepare(f"v{i}")
        plan = f"{self.folder}/plan.yaml"
        with open(plan, "w", encoding="utf-8") as f:
            f.write(PLAN.format(version=f"v{i}", dir=self.folder, port=self.metrics.port,
                                watch="200ms" if by_abort else "10s",
                                abort="      abort: {min: 0.5}" if by_abort else ""))
        with open(f"{self.folder}/run.log", "wb") as log, subprocess.Popen(
                [self.program, "migrate", plan], stdout=log, stderr=log) as program:
            wait_for("60/40", 30, lambda: all(self.canary_weight(n) > 0 for n in (1, 2)))
            count = self.count.value
            time.sleep(0.3)  # the window of the metric begins after the change
            self.metrics.bad = True
            program.wait(60)
        with open(f"{self.folder}/run.log", encoding="utf-8") as log:
            said = log.read()
        if program.returncode != 8 or self.metrics.decided_ns == 0:
            sys.exit(f"bench-rollback: run {i} ended with {program.returncode}:\n{said}")
        if self.count.value - count < 20:
            sys.exit("bench-rollback: the canary had no load")
        time.sleep(0.05)  # a request that was under way is there by now
        return (self.last.value - self.metrics.decided_ns) / 1e6


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * part // 100) - 1))]


def main():
    program, folder, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    bench = Bench(program, folder)
    figures = {"abort": [], "threshold": []}
    try:
        bench.start()
        bench.ferry("init")
        bench.prepare("v0")
        bench.ferry("ref", "churn", "production", "v0")
        bench.ferry("pull", "churn@v0", f"{folder}/new", "--link", "current")
        for i in range(1, runs + 1):
            kind = "abort" if i % 2 else "threshold"
            figures[kind].append(bench.run(i, kind == "abort"))
    finally:
        bench.stop()
    values = figures["abort"] + figures["threshold"]
    for name, some in (("", values), (" by abort", figures["abort"]),
                       (" by threshold", figures["threshold"])):
        if some:
            print(f"value\tp50{name}, ms\t{percentile(some, 50):.1f}")
            print(f"value\tp99{name}, ms\t{percentile(some, 99):.1f}")
    print(f"value\tmax, ms\t{max(values):.1f}")
    print(f"value\trollbacks\t{len(values)}")
    print(f"value\trequests that failed\t{bench.failures.value}")


if __name__ == "__main__":
    main()
