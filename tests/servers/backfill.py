"""Recorded expositions as a history of five minutes around now, in OpenMetrics, for promtool.

usage: backfill.py EXPOSITION... >history
Counters, and the parts of histograms, grow evenly from 0 to what was recorded within ten minutes:
so a minute holds a tenth, and each ratio is that of the record. Gauges stay. Each series gets the
labels that a scrape gives it: job, the file's name, and instance.
"""

import os
import re
import sys
import time

STEP_S = 15
BEFORE_S, AFTER_S = 300, 300
PERIOD_S = 600
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? +([^ ]+)$")
PART = re.compile(r"_(bucket|sum|count)$")


def samples(path):
    """(name, labels, value, is a counter) of each line"""
    kinds = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                kinds[name] = kind
            if not line or line.startswith("#"):
                continue
            match = SAMPLE.match(line)
            if not match:
                sys.exit(f"{path}: no sample: {line}")
            name, labels, value = match.groups()
            kind = kinds.get(name) or kinds.get(PART.sub("", name))
            if kind not in ("counter", "gauge", "histogram"):
                sys.exit(f"{path}: {name} has no type")
            yield name, labels or "", float(value), kind != "gauge"


def main():
    now = int(time.time())
    times = range(now - BEFORE_S, now + AFTER_S + 1, STEP_S)
    for path in sys.argv[1:]:
        job = os.path.splitext(os.path.basename(path))[0]
        for name, labels, value, grows in samples(path):
            where = f'job="{job}",instance="127.0.0.1:9"' + ("," if labels else "") + labels
            for t in times:
                share = (t - times[0]) / PERIOD_S if grows else 1
                print(f"{name}{{{where}}} {value * share:.9g} {t}")
    print("# EOF")


main()
