# SPDX-License-Identifier: Apache-2.0
"""Hosts for tests: network namespaces, joined by a bridge.

Everything is made inside a network and a mount namespace of its own and goes with it, so nothing is left behind and no
other network is touched. A test exits with 77 (skipped) where the system does not let us make those.
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
    """A program on a host; `program` and what it is given."""

    running = []

    def __init__(self, host, *command):
        self.what = f"{host.name}: {' '.join(command[1:])}"
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", host.name, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = []
        self.rest = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        Peer.running.append(self)

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

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

    def ask(self, what, start):
        self.say(what)
        return self.line(start)

    def kill(self):
        self.process.kill()
        self.process.wait()


def run(claims):
    """Calls each claim with two hosts and a domain; what they started is killed. Returns the exit code."""
    if INSIDE not in os.environ:
        enter_namespaces()
    # A place of our own for the names of namespaces.
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    os.makedirs("/run/netns")
    ip("link", "add", "bridge", "type", "bridge", "forward_delay", "0")
    ip("link", "set", "bridge", "up")
    hosts = Host(1), Host(2)
    failed = 0
    for claim in claims:
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
