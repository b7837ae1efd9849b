# SPDX-License-Identifier: Apache-2.0
"""A Galena peer in Python, written from PROTOCOL.md alone: finds a producer by its name, consumes, ingests.

It is here to show that the page is enough. It speaks the protocol with care but knows no more of it than it needs.
"""
import dataclasses
import os
import struct
import time

import msgpack
import zmq

VERSION = 1
SILENCE_MS = 10_000
MORE = 1  # flag of a batch
MSGPACK_EXT = 1


class Protocol(Exception):
    """The other side did not keep to PROTOCOL.md."""


class Cancelled(Exception):
    """The other side ended the link: (reason, detail)."""


@dataclasses.dataclass
class Batch:
    start: int  # the positions [start, upto)
    upto: int
    flags: int
    size: int  # bytes of its events
    events: list  # of (topic, payload); a payload is bytes, or an ExtType that packs a value


def pack(message):
    return msgpack.packb(message, use_bin_type=True)


def value_of(payload):
    """What a payload is: bytes, or the value in it."""
    if isinstance(payload, msgpack.ExtType):
        return msgpack.unpackb(payload.data)
    return payload


def decode_batches(frame):
    batches = []
    at = 0
    while at < len(frame):
        unpacker = msgpack.Unpacker(max_buffer_size=len(frame) - at)
        unpacker.feed(frame[at:])
        size, count, start, upto, flags, *more = unpacker.unpack()
        events_at = at + unpacker.tell()
        events = []
        for _ in range(count):
            events.append((unpacker.unpack(), unpacker.unpack()))
            if len(more) >= 4:
                unpacker.unpack()  # the step: this peer does not ask what events were made of
        at += unpacker.tell()
        if at - events_at != size or count > upto - start:
            raise Protocol("a batch does not hold what its header tells")
        batches.append(Batch(start, upto, flags, size, events))
    return batches


def encode_batch(events, start):
    """One batch of events that follow each other. A payload is bytes, or any other value, which is packed."""
    body = b"".join(pack(topic) + (pack(payload) if isinstance(payload, bytes)
                                   else pack(msgpack.ExtType(MSGPACK_EXT, pack(payload))))
                    for topic, payload in events)
    header = struct.pack(">BBIBIBQBQBH", 0x95, 0xCE, len(body), 0xCE, len(events), 0xCF, start, 0xCF,
                         start + len(events), 0xCD, 0)
    return header + body, len(body)


def is_events(frame):
    first = frame[1] if len(frame) > 1 else 0xC1
    return frame[:1] in (b"\x95", b"\x96", b"\x99", b"\x9a") and (first < 0x80 or 0xCC <= first <= 0xCF)


def find(context, domain, name, deadline):
    """The entry of the name, as soon as somebody has it: asks this host's name service over a plain REQ socket."""
    while True:
        with context.socket(zmq.REQ) as socket:
            socket.linger = 0
            socket.rcvtimeo = 500
            socket.connect(f"ipc://@galena/{domain}")
            socket.send(pack(["lookup", {"id": 1, "name": name}]))
            try:
                verb, fields = msgpack.unpackb(socket.recv())
                if verb == "found" and fields.get("entry"):
                    return fields["entry"]
            except zmq.Again:
                pass  # nobody hosts one yet
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody has the name {name}")
        time.sleep(0.02)


def best_endpoint(entry):
    """This peer is on the same host: the loopback interface first."""
    rank = {"tcp://127": 0, "ipc://@gal": 1}
    usable = [one for one in entry["endpoints"] if not one.startswith("inproc://")]
    return min(usable, key=lambda one: min([place for start, place in rank.items() if one.startswith(start)] or [2]))


class Link:
    """A connection to a producer, with what both kinds of link share."""

    def __init__(self, context, domain, name, deadline):
        self.entry = find(context, domain, name, deadline)
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 1000
        self.socket.connect(best_endpoint(self.entry))
        self.deadline = deadline

    def send(self, *message):
        self.socket.send(pack(list(message)))

    def receive(self):
        """The next frame: a list of batches, or a control message."""
        left = max(0, int((self.deadline - time.monotonic()) * 1000))
        if not self.socket.poll(left):
            raise TimeoutError("the producer says nothing")
        frame = self.socket.recv()
        if self.socket.getsockopt(zmq.RCVMORE):
            raise Protocol("a message of more than one frame")
        if is_events(frame):
            return decode_batches(frame)
        message = msgpack.unpackb(frame)
        if message[0] == "cancel":
            raise Cancelled(message[1], message[2])
        return message


class Consumer(Link):
    """Iterate over it for (topic, payload) until the stream ends. `topics` are ("exact" or "prefix", bytes)."""

    def __init__(self, context, domain, name, topics, window, deadline):
        super().__init__(context, domain, name, deadline)
        self.window = window  # (events, bytes)
        self.limit = window
        self.handled = (0, 0)
        self.received = (0, 0)
        self.upto = None
        self.gaps = []
        self.send("subscribe", {"version": VERSION, "stage": self.entry["stage"], "subscription": os.urandom(16),
                                "epoch": 1, "consumer": "python", "topics": [list(topic) for topic in topics],
                                "credit": list(self.limit), "silence": SILENCE_MS})

    def __iter__(self):
        while True:
            message = self.receive()
            if isinstance(message[0], Batch):
                for batch in message:
                    yield from self.events_of(batch)
                self.grant()
                continue
            verb, *fields = message
            if verb == "accept":
                if fields[0]["stage"] != self.entry["stage"]:
                    raise Protocol("another stage answered")
                self.upto = fields[0]["from"]
            elif verb == "gap":
                self.gaps.append(tuple(fields))
                self.upto = max(self.upto, fields[1])
            elif verb == "mark":
                self.upto = max(self.upto, fields[0])
            elif verb == "draining":
                pass  # the end follows by itself
            elif verb == "end":
                return
            else:
                raise Protocol(f"'{verb}' is not for a consumer")

    def events_of(self, batch):
        if self.upto is None:
            raise Protocol("events came before the subscription was accepted")
        if batch.start > self.upto:
            self.gaps.append((self.upto, batch.start, None, "not told"))
        if batch.events and (self.received[1] >= self.limit[1] or
                             self.received[0] + len(batch.events) > self.limit[0]):
            self.send("cancel", "credit", "more was sent than was granted")
            raise Protocol("more was sent than was granted")
        self.received = (self.received[0] + len(batch.events), self.received[1] + batch.size)
        yield from batch.events
        self.handled = self.received
        if not batch.flags & MORE:
            self.upto = batch.upto

    def grant(self):
        self.limit = (self.handled[0] + self.window[0], self.handled[1] + self.window[1])
        self.send("grant", self.handled[0], *self.limit)


class Ingest(Link):
    """Hands events to a producer: put() them, then wait()."""

    def __init__(self, context, domain, name, values, deadline):
        super().__init__(context, domain, name, deadline)
        self.sent = (0, 0)
        self.acknowledged = 0
        self.refusals = {}
        self.limit = (0, 0)
        stream = os.urandom(16)
        self.send("offer", {"version": VERSION, "stage": self.entry["stage"], "publisher": os.urandom(16),
                            "stream": stream, "values": values, "silence": SILENCE_MS})
        verb, fields = self.receive()
        if verb != "subscribe":
            raise Protocol(f"'{verb}' instead of subscribe")
        self.limit = tuple(fields["credit"])
        self.send("accept", {"version": VERSION, "stage": bytes(16), "stream": stream, "from": 0,
                             "silence": SILENCE_MS})

    def put(self, topic, payload):
        while self.sent[0] >= self.limit[0] or self.sent[1] >= self.limit[1]:
            self.hear()
        frame, size = encode_batch([(topic, payload)], self.sent[0])
        self.socket.send(frame)
        self.sent = (self.sent[0] + 1, self.sent[1] + size)

    def hear(self):
        verb, *fields = self.receive()
        if verb == "grant":
            self.acknowledged = max(self.acknowledged, fields[0])
            self.limit = (max(self.limit[0], fields[1]), max(self.limit[1], fields[2]))
        elif verb == "refuse":
            self.refusals[fields[0]] = fields[1]
        else:
            raise Protocol(f"'{verb}' is not for one who ingests")

    def wait(self):
        """Until all has been answered."""
        while self.acknowledged < self.sent[0]:
            self.hear()

    def close(self):
        self.send("cancel", "cancelled", "done")
        self.socket.close()
