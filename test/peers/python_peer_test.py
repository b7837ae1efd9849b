#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Galena and a peer that was written from PROTOCOL.md exchange events.

usage: python_peer_test.py INGEST_EXAMPLE      (`galena` itself is in GALENA_PROGRAM)
"""
import os
import subprocess
import sys
import time
import uuid

import zmq

from galena_peer import Cancelled, Consumer, Ingest, value_of

GALENA = os.environ["GALENA_PROGRAM"]
DEADLINE = 30


class World:
    """Processes of a domain of their own, which end with it."""

    def __init__(self):
        self.domain = f"peer-{uuid.uuid4().hex[:12]}"
        self.deadline = time.monotonic() + DEADLINE
        self.context = zmq.Context()
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        self.context.destroy(linger=0)

    def start(self, *words):
        process = subprocess.Popen([*words, "--domain", self.domain], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.processes.append(process)
        return process

    def finish(self, process, data=b""):
        """Its output, when it has ended well."""
        out, err = process.communicate(data, timeout=max(1, self.deadline - time.monotonic()))
        assert process.returncode == 0, (process.args, process.returncode, err)
        return out

    def consumer(self, name, topics=(), window=(1 << 16, 1 << 20)):
        return Consumer(self.context, self.domain, name, topics, window, self.deadline)

    def ingest(self, name, values=False):
        return Ingest(self.context, self.domain, name, values, self.deadline)


def publish(world, name, lines, **how):
    """A `galena pub` that is given these lines (topic, tab, message), and the consumer's events."""
    pub = world.start(GALENA, "pub", name, "--subscribers", "1")
    consumer = world.consumer(name, **how)
    pub.stdin.write(b"".join(topic + b"\t" + message + b"\n" for topic, message in lines))
    pub.stdin.close()
    events = list(consumer)
    assert pub.wait(timeout=DEADLINE) == 0, pub.stderr.read()
    return events, consumer


def a_python_consumer_gets_exactly_what_it_selects():
    lines = [(b"cpu/%d" % (n % 4) if n % 2 else b"memory", b"%d" % n) for n in range(20_000)]
    with World() as world:
        events, consumer = publish(world, "machine", lines, topics=[("exact", b"memory"), ("prefix", b"cpu/3")])
    assert events == [line for line in lines if line[0] in (b"memory", b"cpu/3")]
    assert consumer.gaps == []


def a_narrow_window_is_kept_and_nothing_is_missing():
    lines = [(b"t", b"x" * (n % 300)) for n in range(3_000)]
    for window in [(7, 1 << 20), (1 << 20, 500), (1, 1)]:
        with World() as world:
            events, consumer = publish(world, "machine", lines[:300] if window == (1, 1) else lines, window=window)
        assert events == (lines[:300] if window == (1, 1) else lines)
        assert consumer.gaps == []


def python_ingests_events_into_a_producer():
    with World() as world:
        sub = world.start(GALENA, "sub", "out", "--count", "5000")
        relay = world.start(GALENA, "pub", "out", "--now")
        client = world.ingest("out")
        for n in range(5_000):
            client.put(b"t/%d" % (n % 3), b"%d" % n)
        client.wait()
        out = world.finish(sub)
        client.close()
        assert client.refusals == {}, client.refusals
        relay.stdin.close()
    assert out.splitlines() == [b"t/%d\t%d" % (n % 3, n) for n in range(5_000)]


def a_producer_runs_its_handler_on_values_and_refuses_what_it_cannot_read(producer):
    with World() as world:
        os.environ["GALENA_DOMAIN"] = world.domain
        process = subprocess.Popen([producer])
        world.processes.append(process)
        client = world.ingest("producer", values=True)
        client.put(b"", 1_000)
        client.put(b"", "not a number")
        client.put(b"", 1_001)
        client.wait()
        assert list(client.refusals) == [2], client.refusals
        client.close()
        events = list(world.consumer("producer", topics=[("exact", b"topic")]))
        assert process.wait(timeout=DEADLINE) == 0
    messages = [payload for _, payload in events]
    assert messages[:100] == [b"Hola%d" % n for n in range(1, 101)], messages
    assert messages[100:] == [b"Hola1000", b"Hola1001"], messages


def a_producer_without_a_handler_does_not_take_values():
    with World() as world:
        world.start(GALENA, "pub", "plain", "--now")
        try:
            world.ingest("plain", values=True)
        except Cancelled as cancelled:
            assert cancelled.args[0] == "not-accepted", cancelled
        else:
            raise AssertionError("the offer was taken")


def main():
    a_python_consumer_gets_exactly_what_it_selects()
    a_narrow_window_is_kept_and_nothing_is_missing()
    python_ingests_events_into_a_producer()
    a_producer_runs_its_handler_on_values_and_refuses_what_it_cannot_read(sys.argv[1])
    a_producer_without_a_handler_does_not_take_values()
    assert value_of(b"raw") == b"raw"
    print("fine")


main()
