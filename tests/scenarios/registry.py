#!/usr/bin/env python3
"""MLflow's registry of models, as far as the hook of type mlflow asks it, for tests.

usage: registry.py PORT-FILE STATE

Listens on a free port of 127.0.0.1 and writes the port to PORT-FILE. It has the model churn with a
version for each of v1 to v4, numbered alike and tagged with its name; the alias champion is at 1.
What it holds is in STATE after each change, as JSON: {"alias": "2", "tags": {"2": {...}}}.
"""
import http.server
import json
import os
import re
import sys
import urllib.parse

alias = {"champion": "1"}
tags = {str(i): {"modelferry.version": "v%d" % i} for i in range(1, 5)}


def keep():
    with open(sys.argv[2] + ".new", "w", encoding="ascii") as state:
        json.dump({"alias": alias.get("champion"), "tags": tags}, state)
    os.rename(sys.argv[2] + ".new", sys.argv[2])


def version(number):
    pairs = [{"key": k, "value": v} for k, v in tags[number].items()]
    return {"name": "churn", "version": number, "current_stage": "None", "tags": pairs}


def look(path, query):
    if path == "registered-models/get":
        pairs = [{"alias": k, "version": v} for k, v in alias.items()]
        return {"registered_model": {"name": "churn", "aliases": pairs}}
    if path == "model-versions/get":
        return {"model_version": version(query["version"][0])}
    wanted = re.search(r"`modelferry.version`='(.*)'", query["filter"][0]).group(1)
    found = [n for n, pairs in tags.items() if pairs.get("modelferry.version") == wanted]
    return {"model_versions": [version(n) for n in found]}


def change(method, path, body):
    if path == "registered-models/alias":
        if method == "DELETE":
            del alias[body["alias"]]
        else:
            alias[body["alias"]] = body["version"]
    elif path == "model-versions/set-tag":
        tags[body["version"]][body["key"]] = body["value"]
    else:
        del tags[body["version"]][body["key"]]
    keep()
    return {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def take(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlsplit(self.path)
        path = url.path.removeprefix("/api/2.0/mlflow/")
        if self.command == "GET":
            said = look(path, urllib.parse.parse_qs(url.query))
        else:
            said = change(self.command, path, json.loads(body))
        text = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = take

    def log_message(self, *args):
        pass


keep()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open(sys.argv[1] + ".new", "w", encoding="ascii") as port:
    port.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
