#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names between hosts: each host is a network namespace, joined to the others by a bridge.

usage: hosts_test.py NAMES_PEER

Everything is made inside a network and a mount namespace of its own and goes with it. Exit code 77 (skipped) where the
system does not let us make those.
"""
import os
import selectors
import subprocess
import sys
import time

INSIDE = "GALENA_TEST_INSIDE"
SKIPPED = 77


def enter_namespaces():
    """Starts this script again where it may make networks, and exits as that one does."""
    flags = "-nm" if os.geteuid() == 0 else "-Urnm"
    if subprocess.run(["unshare", flags, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("skipped: no network namespaces here")
        sys.exit(SKIPPED)
    command = ["unshare", flags, sys.executable] + sys.argv
    sys.exit(subprocess.run(command, env=dict(os.environ, **{INSIDE: "1"})).returncode)


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Host:
    """A network namespace with one address on the bridge."""

    def __init__(self, number):
        self.name = f"host{number}"
        self.cable = f"cable{number}"
        ip("netns", "add", self.name)
        ip("link", "add", self.cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("link", "set", self.cable, "master", "bridge", "up")
        ip("-n", self.name, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0", "brd", "+")
        ip("-n", self.name, "link", "set", "eth0", "up")
        ip("-n", self.name, "link", "set", "lo", "up")

    def plug(self, there):
        ip("link", "set", self.cable, "up" if there else "down")


class Peer:
    """A names_peer on a host."""

    running = []

    def __init__(self, host, domain, *arguments):
        self.what = f"{host.name}: {' '.join(arguments)}"
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", host.name, sys.argv[1], domain, *arguments], stdout=subprocess.PIPE)
        self.lines = []
        self.rest = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        Peer.running.append(self)

    def line(self, start, seconds=20):
        """The next line that starts with `start`."""
        end = time.monotonic() + seconds
        while True:
            while self.lines:
                line = self.lines.pop(0)
                if line.startswith(start):
                    return line
            if not self.selector.select(max(0, end - time.monotonic())):
                raise AssertionError(f"{self.what}: no line '{start}...' within {seconds} s")
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                raise AssertionError(f"{self.what}: ended before it said '{start}...'")
            *lines, self.rest = (self.rest + got).split(b"\n")
            self.lines += [line.decode() for line in lines]

    def kill(self):
        self.process.kill()
        self.process.wait()


def a_name_is_found_from_another_host(a, b, domain):
    Peer(a, domain, "enroll", "x").line("ok")
    began = time.monotonic()
    Peer(b, domain, "watch", "x").line("found")
    took = time.monotonic() - began
    print(f"  found {took * 1000:.0f} ms after the start of its host's first node")
    assert took < 3, took
    assert Peer(b, domain, "enroll", "x").line("taken")


def both_hosts_find_each_other_when_they_start_together(a, b, domain):
    first, second = Peer(a, domain, "enroll", "x"), Peer(b, domain, "enroll", "y")
    assert Peer(a, domain, "watch", "y").line("found")
    assert Peer(b, domain, "watch", "x").line("found")
    assert first.line("ok") and second.line("ok")


def who_does_not_host_finds_the_service_of_another_host(a, b, domain):
    Peer(a, domain, "enroll", "x").line("ok")
    assert Peer(b, domain, "list").line("listed") == "listed x"


def a_killed_host_takes_only_its_own_names_along(a, b, domain):
    first = Peer(a, domain, "enroll", "x")
    first.line("ok")
    second = Peer(b, domain, "enroll", "y")
    second.line("ok")
    x, y = Peer(b, domain, "watch", "x"), Peer(b, domain, "watch", "y")
    x.line("found")
    y.line("found")
    first.kill()
    x.line("nobody")
    assert Peer(b, domain, "enroll", "x").line("ok") == "ok 1"
    assert Peer(b, domain, "list").line("listed") == "listed x y"


def after_a_partition_the_older_owner_stays_and_the_other_is_told(a, b, domain):
    old = Peer(a, domain, "enroll", "x")
    old.line("ok")
    watcher = Peer(b, domain, "watch", "x")
    owner = watcher.line("found")
    a.plug(False)
    watcher.line("nobody")
    young = Peer(b, domain, "enroll", "x")
    young.line("ok")
    assert watcher.line("found") != owner
    a.plug(True)
    assert young.line("lost").split()[1] == owner.split()[1]
    assert watcher.line("found") == owner
    # And both sides are one again.
    assert Peer(a, domain, "enroll", "z").line("ok")
    assert Peer(b, domain, "watch", "z").line("found")


def a_dedicated_service_serves_both_hosts(a, b, domain):
    Peer(a, domain, "enroll", "x").line("ok")
    Peer(b, domain, "enroll", "y").line("ok")
    service = Peer(b, domain, "serve")
    port = service.line("serving").split(":")[-1]
    for host in a, b:
        reader = Peer(host, domain, "watch", "x")
        reader.line(f"log name service at tcp://10.77.0.2:{port}" if host is a else "log name service at ")
        reader.line("found")
    assert Peer(a, domain, "watch", "y").line("found")
    service.kill()
    assert Peer(a, domain, "watch", "y").line("found")
    assert Peer(b, domain, "watch", "x").line("found")


CLAIMS = [
    a_name_is_found_from_another_host,
    both_hosts_find_each_other_when_they_start_together,
    who_does_not_host_finds_the_service_of_another_host,
    a_killed_host_takes_only_its_own_names_along,
    after_a_partition_the_older_owner_stays_and_the_other_is_told,
    a_dedicated_service_serves_both_hosts,
]


def main():
    if INSIDE not in os.environ:
        enter_namespaces()
    # A place of our own for the names of namespaces.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    os.makedirs("/run/netns")
    ip("link", "add", "bridge", "type", "bridge", "forward_delay", "0")
    ip("link", "set", "bridge", "up")
    hosts = Host(1), Host(2)
    failed = 0
    for claim in CLAIMS:
        name = claim.__name__.replace("_", " ")
        began = time.monotonic()
        try:
            claim(*hosts, f"test-{os.getpid()}-{claim.__name__[:32]}")
            print(f"ok: {name} ({time.monotonic() - began:.1f} s)", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"FAILED: {name}: {error}", flush=True)
        for peer in Peer.running:
            peer.kill()
        Peer.running.clear()
        for host in hosts:
            host.plug(True)
    return 1 if failed else 0


sys.exit(main())
