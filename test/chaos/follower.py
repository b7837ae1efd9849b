# SPDX-License-Identifier: Apache-2.0
"""Registers second names that lead through proxies: `x-via`, say, is stage x behind another address.

A consumer of `x-via` finds the proxy's endpoint and the real stage's id, which it checks, so it cannot tell. When the
stage of x changes, its second names follow.
"""
import os
import queue
import threading
import time

import msgpack
import zmq

LEASE_MS = 6000
RENEW_AFTER = 0.5  # seconds


class Follower:
    def __init__(self, service, domain):
        self.domain = domain
        self.node = os.urandom(16)
        self.ways = {}  # second name -> (name, proxy)
        self.granted = {}  # second name -> the stage it is registered for
        self.next_id = 0
        self.orders = queue.Queue()
        self.changed = threading.Condition()
        self.service = service
        threading.Thread(target=self.run, daemon=True).start()

    def follow(self, name, second, proxy):
        """From any thread. The second name is there as soon as the first one is."""
        self.orders.put((name, second, proxy))

    def wait(self, second, seconds=20):
        """Until the second name is registered."""
        with self.changed:
            if not self.changed.wait_for(lambda: second in self.granted, seconds):
                raise AssertionError(f"the name {second} was not registered within {seconds} s")

    # On the thread.

    def run(self):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(self.service)
        self.hello()
        renew_at = time.monotonic() + RENEW_AFTER
        while True:
            if self.socket.poll(20):
                self.handle(*msgpack.unpackb(self.socket.recv(), strict_map_key=False)[:2])
            while not self.orders.empty():
                name, second, proxy = self.orders.get()
                self.ways[second] = (name, proxy)
                self.watch(name)
            if time.monotonic() > renew_at:
                renew_at = time.monotonic() + RENEW_AFTER
                self.say("renew", id=self.new_id(), held=len(self.granted), watching=len(self.watched()))

    def watched(self):
        return {name for name, _ in self.ways.values()}

    def new_id(self):
        self.next_id += 1
        return self.next_id

    def say(self, verb, **fields):
        self.socket.send(msgpack.packb([verb, fields], use_bin_type=True))

    def hello(self):
        self.say("hello", id=self.new_id(), v=1, domain=self.domain, node=self.node, lease=LEASE_MS)

    def watch(self, name):
        self.say("watch", name=name, watchers=1)

    def handle(self, verb, fields):
        if verb == "changed":
            for second, (name, proxy) in self.ways.items():
                if name == fields["name"]:
                    self.point(second, fields.get("entry"), proxy)
        elif verb == "registered":
            entry = fields["entry"]
            with self.changed:
                self.granted[entry["name"]] = entry["stage"]
                self.changed.notify_all()
        elif verb == "challenge":
            self.say("alive", name=fields["name"], stage=fields["stage"], challenge=fields["challenge"])
        elif verb in ("again", "refused"):  # it is another one by now, or knows of less
            if verb == "refused":
                self.hello()
            with self.changed:
                self.granted.clear()
            for name in self.watched():
                self.watch(name)

    def point(self, second, entry, proxy):
        """Where the second name leads from now on."""
        before = self.granted.get(second)
        if before is not None and (entry is None or entry["stage"] != before):
            self.say("unregister", id=self.new_id(), name=second, stage=before)
            with self.changed:
                del self.granted[second]
        if entry is None:
            return
        address = next(one for one in entry["endpoints"] if one.startswith("tcp://10.77."))
        host, port = address.removeprefix("tcp://").split(":")
        proxy.target = (host, int(port))
        self.say("register", id=self.new_id(), entry={
            "name": second, "kind": entry["kind"], "stage": entry["stage"], "node": self.node,
            "host_id": "behind a proxy", "host": "proxy", "pid": os.getpid(), "endpoints": [proxy.endpoint],
            "subscribers": 0, "age": 0})
