# swift-servers.py DIR ACCOUNT-PORT CONTAINER-PORT OBJECT-PORT
# Makes Swift's rings, of one device each, and becomes its four servers: what nine runs of
# swift-ring-builder and four programs do, but Python reads Swift's many modules only once. DIR is
# as in common.sh; this process is noted there already and becomes the proxy.
import os
import sys

# Eventlet looks through all there is for locks to replace, so before the rest is loaded.
from swift.common.utils import eventlet_monkey_patch
eventlet_monkey_patch()

# what all of them read
import pkg_resources  # noqa: E402, F401
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import run_wsgi  # noqa: E402
import swift.account.server  # noqa: E402, F401
import swift.container.server  # noqa: E402, F401
import swift.obj.server  # noqa: E402
import swift.proxy.server  # noqa: E402, F401


def make_ring(kind, port):
    ring = RingBuilder(part_power=4, replicas=1, min_part_hours=1)
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1.0, "device": "d1", "meta": "",
                  "ip": "127.0.0.1", "port": port,
                  "replication_ip": "127.0.0.1", "replication_port": port})
    ring.rebalance(seed="test")
    ring.get_ring().save("etc/%s.ring.gz" % kind)


def note(kind):
    with open("/proc/self/stat") as stat:
        start = stat.read().rsplit(")", 1)[1].split()[19]
    with open("run/%s.new" % kind, "w") as file:
        file.write("%d %s\n" % (os.getpid(), start))
    os.rename("run/%s.new" % kind, "run/%s.pid" % kind)


def serve(directory, kind):
    options = {"verbose": True}
    if kind == "object":
        options["global_conf_callback"] = swift.obj.server.global_conf_callback
    return run_wsgi("%s/etc/%s.conf" % (directory, kind), kind + "-server", **options)


def main(directory, *ports):
    os.chdir(directory)
    kinds = ("account", "container", "object")
    for kind, port in zip(kinds, ports):
        make_ring(kind, int(port))
    for kind in kinds:
        if os.fork() == 0:
            note(kind)
            log = os.open("log/%s.log" % kind, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.close(log)
            return serve(directory, kind)
    return serve(directory, "proxy")


sys.exit(main(*sys.argv[1:]))
