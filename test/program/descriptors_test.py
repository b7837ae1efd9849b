#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What happens to `galena` when its file descriptors run out."""
import json
import os
import resource
import signal
import socket

import harness
from harness import case


def limit(process, more):
    """It may open so many more descriptors: 8 to 32 of them are reserved. Returns its limit."""
    descriptors = len(os.listdir(f"/proc/{process.pid}/fd")) + more
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors))
    return descriptors


def connect(endpoint):
    """A stranger, who connects and says nothing."""
    if endpoint.startswith("ipc://@"):
        stranger = socket.socket(socket.AF_UNIX)
        address = "\0" + endpoint[len("ipc://@"):]
    else:
        stranger = socket.socket()
        host, port = endpoint[len("tcp://"):].rsplit(":", 1)
        address = ("127.0.0.1" if host == "0.0.0.0" else host, int(port))
    stranger.connect(address)
    return stranger


def flood(process, endpoints, few):
    """More strangers at each endpoint than it has descriptors, until the process has refused some."""
    strangers = [connect(endpoint) for endpoint in endpoints for _ in range(few + 60)]
    process.says("connections were refused: hardly any of the")
    for stranger in strangers:
        stranger.close()


def entry(world, name):
    out, _ = world.run("ls", "--json")
    return next(each for each in json.loads(out) if each["name"] == name)


for few in (14, 40, 200):
    @case(f"a producer that can open {few} descriptors more and hosts the names outlives strangers, and serves friends after them")
    def _(world, few=few):
        pub = world.start("pub", "load", "--topic", "t", "--now", "-v")
        pub.says("registered")
        endpoints = [each for each in entry(world, "load")["endpoints"] if "127.0.0.1" in each or "ipc" in each]
        assert len(endpoints) == 2, endpoints
        limit(pub, few)
        flood(pub, [f"ipc://@galena/{world.domain}", *endpoints], few)
        sub = world.start("sub", "load", "--count", "1")
        pub.says("subscribed")
        pub.write("hello\n")
        assert sub.ends_with(0) == b"t\thello\n"
        pub.close()
        pub.ends_with(0)

    @case(f"a name service that can open {few} descriptors more outlives strangers, and serves friends after them")
    def _(world, few=few):
        names = world.start("names", "--bind", "tcp://127.0.0.1:*", "-v")
        endpoint = names.prints(r"tcp://127\.0\.0\.1:[0-9]+").group().decode()
        limit(names, few)
        flood(names, [f"ipc://@galena/{world.domain}", endpoint], few)
        pub = world.start("pub", "load", "--topic", "t", "--now", "-v")
        pub.says("registered")
        assert entry(world, "load")["kind"] == "producer"
        pub.close()
        pub.ends_with(0)
        names.signal(signal.SIGTERM)
        names.ends_with(0)


@case("a producer that has descriptors for some of its subscribers serves those, and the others when they have gone")
def _(world):
    names = world.start("names", "--bind", "tcp://127.0.0.1:*")
    names.prints("tcp://")
    pub = world.start("pub", "load", "--topic", "t", "--now", "-v")
    pub.says("registered")
    few = limit(pub, 14)
    subs = [world.sub("load") for _ in range(20)]
    pub.says(f"connections were refused: hardly any of the {few}")
    pub.write("hello\n")
    for sub in subs[:-1]:
        sub.signal(signal.SIGTERM)
    for sub in subs[:-1]:
        sub.ends_with(0)

    def again():
        pub.write("again\n")
        return b"again" in subs[-1].out.bytes()

    harness.until(again)
    pub.close()
    pub.ends_with(0)
    names.signal(signal.SIGTERM)
    names.ends_with(0)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    harness.main()
