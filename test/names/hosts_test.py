#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names between hosts: each host is a network namespace, joined to the others by a bridge.

usage: hosts_test.py NAMES_PEER

See hosts.py.
"""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import hosts  # noqa: E402


def Peer(host, domain, *arguments):
    """A names_peer on a host."""
    return hosts.Peer(host, sys.argv[1], domain, *arguments)


def a_name_is_found_from_another_host(a, b, domain):
    Peer(a, domain, "register", "x").line("ok")
    began = time.monotonic()
    Peer(b, domain, "watch", "x").line("found")
    took = time.monotonic() - began
    print(f"  found {took * 1000:.0f} ms after the start of its host's first node")
    assert took < 3, took
    assert Peer(b, domain, "register", "x").line("taken")


def both_hosts_find_each_other_when_they_start_together(a, b, domain):
    first, second = Peer(a, domain, "register", "x"), Peer(b, domain, "register", "y")
    assert Peer(a, domain, "watch", "y").line("found")
    assert Peer(b, domain, "watch", "x").line("found")
    assert first.line("ok") and second.line("ok")


def who_does_not_host_finds_the_service_of_another_host(a, b, domain):
    Peer(a, domain, "register", "x").line("ok")
    assert Peer(b, domain, "list").line("listed") == "listed x"


def a_killed_host_takes_only_its_own_names_along(a, b, domain):
    first = Peer(a, domain, "register", "x")
    first.line("ok")
    second = Peer(b, domain, "register", "y")
    second.line("ok")
    x, y = Peer(b, domain, "watch", "x"), Peer(b, domain, "watch", "y")
    x.line("found")
    y.line("found")
    first.kill()
    x.line("nobody")
    assert Peer(b, domain, "register", "x").line("ok") == "ok 1"
    assert Peer(b, domain, "list").line("listed") == "listed x y"


def after_a_partition_the_older_owner_stays_and_the_other_is_told(a, b, domain):
    old = Peer(a, domain, "register", "x")
    old.line("ok")
    watcher = Peer(b, domain, "watch", "x")
    owner = watcher.line("found")
    a.plug(False)
    watcher.line("nobody")
    young = Peer(b, domain, "register", "x")
    young.line("ok")
    assert watcher.line("found") != owner
    a.plug(True)
    assert young.line("lost").split()[1] == owner.split()[1]
    assert watcher.line("found") == owner
    # And both sides are one again.
    assert Peer(a, domain, "register", "z").line("ok")
    assert Peer(b, domain, "watch", "z").line("found")


def a_dedicated_service_serves_both_hosts(a, b, domain):
    Peer(a, domain, "register", "x").line("ok")
    Peer(b, domain, "register", "y").line("ok")
    service = Peer(b, domain, "serve")
    port = service.line("serving").split(":")[-1]
    for host in a, b:
        reader = Peer(host, domain, "watch", "x")
        reader.line(f"log connected to the name service at tcp://10.77.0.2:{port}" if host is a else "log connected to the name service at ")
        reader.line("found")
    assert Peer(a, domain, "watch", "y").line("found")
    service.kill()
    assert Peer(a, domain, "watch", "y").line("found")
    assert Peer(b, domain, "watch", "x").line("found")


sys.exit(hosts.run([
    a_name_is_found_from_another_host,
    both_hosts_find_each_other_when_they_start_together,
    who_does_not_host_finds_the_service_of_another_host,
    a_killed_host_takes_only_its_own_names_along,
    after_a_partition_the_older_owner_stays_and_the_other_is_told,
    a_dedicated_service_serves_both_hosts,
]))
