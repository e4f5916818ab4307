"""Damages a repository in every way and looks what the program makes of it; see
test_tamper.sh, which has made repo, a (its version v1) and b (v2, in production).

usage: tamper.py PROGRAM FIRST-NUMBER

Prints TAP lines: one for each object and kind of damage; a line about flipped bytes stands
for as many runs as it says. Two workers, each with its own copy of all.
"""
import concurrent.futures
import filecmp
import os
import shutil
import subprocess
import sys
import threading

PROGRAM = sys.argv[1]
STRESS = os.environ.get("MF_STRESS") == "1"
SANITIZED = "MF_SANITIZER" in os.environ  # each run takes ten times as long
VERSIONS = {"v1": "a", "v2": "b"}
SMALL = 600  # bytes; of larger objects a sample is flipped
SAMPLE = 200
here = threading.local()


def objects(root):
    found = []
    for folder, _, files in os.walk(root):
        found += [os.path.relpath(os.path.join(folder, f), root) for f in files]
    return sorted(found)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def run(*arguments):
    """The program, as a client that has seen nothing yet: its status and what it said."""
    shutil.rmtree(here.dir + "/state", ignore_errors=True)
    environment = dict(os.environ, MODELFERRY_STATE_DIR=here.dir + "/state",
                       MODELFERRY_CACHE_DIR=here.dir + "/cache")
    p = subprocess.run([PROGRAM, "-r", here.repo, *arguments], env=environment, timeout=60,
                       stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return p.returncode, (p.stdout + p.stderr).decode("utf-8", "replace")


def equal(a, b):
    names = [[os.path.join(os.path.relpath(d, top), n) for d, _, fs in os.walk(top)
              if ".modelferry" not in d for n in fs] for top in (a, b)]
    return sorted(names[0]) == sorted(names[1]) and \
        all(filecmp.cmp(os.path.join(a, n), os.path.join(b, n), False) for n in names[0])


def pull(name):
    """"right", "nothing", or what is wrong."""
    out = here.dir + "/out"
    shutil.rmtree(out, ignore_errors=True)
    status, text = run("pull", "churn@" + name, out)
    shown = [n for n in os.listdir(out) if n != ".modelferry"] if os.path.isdir(out) else []
    if status == 0:
        # a client that has seen nothing cannot know where production was last
        originals = VERSIONS.values() if name == "production" else [VERSIONS[name]]
        right = any(equal(original, out) for original in originals)
        return "right" if right else "status 0 and wrong bytes"
    if status not in (3, 4, 5):
        return f"status {status}: {text}"
    return f"status {status} and shows {shown}" if shown else "nothing"


def pulls(names, least_right):
    seen = {n: pull(n) for n in names}
    bad = {n: s for n, s in seen.items() if s not in ("right", "nothing")}
    if bad:
        return str(bad)
    right = sum(s == "right" for s in seen.values())
    return None if right >= least_right else f"too few pulls work: {seen}"


def named(name, text):
    """A chunk is known by its id; the rest of its name may change."""
    return name.split(".")[0] in text


def verify(name, statuses):
    status, text = run("verify", "--read-data")
    if status not in statuses:
        return f"verify: status {status}: {text}"
    if status in (4, 5) and not named(name, text):
        return f"verify does not name it: {text}"
    return None


def unaffected(name):
    """How many of v1, v2, production must still be pulled."""
    return {"config": 0, "r": 2, "v": 1, "m": 1, "c": 1, "a": 1}[name.split("/")[0]]


def look(name, statuses):
    return verify(name, statuses) or pulls(("v1", "v2", "production"), unaffected(name))


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def removed(name, path, data):
    os.unlink(path)
    if name.startswith("config/"):
        status, text = run("verify", "--read-data")
        return None if status == 3 else f"status {status}: {text}"
    if name[0] in "ra":  # as if it had never been: only who has seen it knows better
        return look(name, (0,))
    if name[0] == "v":  # a version without its mark is a forgotten one; a ref may need it
        status, text = run("verify", "--read-data")
        if status not in (0, 4) or (status == 4 and " production " not in text
                                    and "@production" not in text):
            return f"status {status}: {text}"
        return pulls(("v1", "v2", "production"), 1)
    return look(name, (4,))


def truncated(name, path, data):
    for n in sorted({len(data) // 2, 10, 0}):
        write(path, data[:n])
        wrong = look(name, (4, 5))
        if wrong:
            return f"to {n} bytes: {wrong}"
    return None


def some(others):
    return list(others)[:2 if SANITIZED and not STRESS else None]


def swapped(others):
    def damage(name, path, data):
        for other in others(name):
            write(path, read(os.path.join("repo", other)))
            wrong = look(name, (4, 5))
            if wrong:
                return f"with {other}: {wrong}"
        return None
    return damage


def positions(n):
    if STRESS:
        return list(range(n))
    if SANITIZED:
        return sorted({*range(0, min(n, 48), 12), *range(0, n, max(1, n // 8))})
    if n <= SMALL:
        return list(range(n))
    return sorted({*range(48), *range(48, n, max(1, n // SAMPLE)), *range(n - 16, n)})


def flipped(name, path, data):
    for at in positions(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << (at % 8)
        write(path, changed)
        wrong = verify(name, (4, 5))
        if not wrong and (STRESS or at % 16 == 5):
            wrong = pulls(("v1", "v2"), unaffected(name))
        if wrong:
            return f"byte {at}: {wrong}"
        flips[name] = flips.get(name, 0) + 1
    return None


flips = {}
copies = []
copies_lock = threading.Lock()


def start_worker():
    with copies_lock:
        here.dir = os.path.abspath(f"worker-{len(copies)}")
        copies.append(here.dir)
    here.repo = here.dir + "/repo"
    shutil.copytree("repo", here.repo)


def attempt(name, how, damage):
    path = os.path.join(here.repo, name)
    data = read(path)
    try:
        return how, name, damage(name, path, data)
    finally:
        write(path, data)


def main():
    names = objects("repo")
    kind = {n: n.split("/")[0] for n in names}
    segments = [n for n in names if kind[n] == "c" and len(read("repo/" + n)) <= SMALL]
    kind.update({n: "segment" for n in segments})

    def same_kind(name):
        return some(o for o in names if o != name and kind[o] == kind[name])

    def other_kind(name):
        firsts = {k: n for n, k in reversed(kind.items()) if k not in (kind[name], "v")}
        return some(firsts.values())

    here.dir, here.repo = os.path.abspath("first"), "repo"
    wrong = verify("", (0,))
    work = []
    for n in names:
        work.append((n, "removed", removed))
        if kind[n] == "v":
            continue  # is empty
        work.append((n, "flipped, byte by byte", flipped))
        work.append((n, "truncated", truncated))
        work.append((n, "another kind of object in its place", swapped(other_kind)))
        if same_kind(n):
            work.append((n, "another of its kind in its place", swapped(same_kind)))
    work.sort(key=lambda w: w[2] is not flipped)
    failed = False
    number = int(sys.argv[2])
    with concurrent.futures.ThreadPoolExecutor(2, initializer=start_worker) as pool:
        results = list(pool.map(lambda w: attempt(*w), work))
    for how, name, wrong in sorted(results + [("as it is", "repo", wrong)],
                                   key=lambda r: (r[1], r[0])):
        if how.startswith("flipped"):
            how += f" ({flips.get(name, 0)} runs)"
        for line in (wrong or "").splitlines():
            print("#", line)
        print(f"{'not ok' if wrong else 'ok'} {number} - {name[:40]}...: {how}")
        number += 1
        failed = failed or wrong
    return 1 if failed else 0


sys.exit(main())
