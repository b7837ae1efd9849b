# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that breaks things on request, while connections run.

A connection has two directions: `up` is what the one who connected sends (a consumer: subscribe, grants), `down` what
it gets (events). All faults can be set at any time from any thread.
"""
import asyncio
import random
import socket
import struct
import threading

import framing

PIECE = 16 << 10  # read at once, so that back-pressure passes through
QUEUE = 64 << 10  # on its way within the proxy, in each direction
# Not the one that makes a command of a message: libzmq skips a command that it does not know, without a word.
BITS = {"frame flags": [0, 1, 3, 4, 5, 6, 7]}
OPPOSITE = {"up": "down", "down": "up"}


class Loop:
    """One thread that serves all proxies."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def call(self, function, *arguments):
        """Runs it on the loop, and returns what it returns."""
        async def wrapped():
            result = function(*arguments)
            return await result if asyncio.iscoroutine(result) else result
        return asyncio.run_coroutine_threadsafe(wrapped(), self.loop).result(10)


class Faults:
    """What a proxy does to the bytes of one direction."""

    def __init__(self):
        self.delay = 0.0  # seconds
        self.jitter = 0.0
        self.rate = 0  # bytes a second; 0: no bound
        self.stalled = False
        self.cut_after = None  # bytes; then the connection is over, in the manner of `cut_how`
        self.cut_how = "reset"
        self.corrupt_after = None  # bytes; then one bit of a byte is flipped
        self.corrupt_spots = None  # names of spots (see framing) that may be hit; None: any byte


class Side:
    """One of the two sockets of a connection."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    def close(self, how):
        if self.writer.transport.is_closing():
            return
        if how == "reset":
            self.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
        else:
            self.writer.close()


class Connection:
    def __init__(self, proxy, client, server):
        self.proxy = proxy
        self.from_side = {"up": client, "down": server}
        self.framing = {"up": framing.Framing(), "down": framing.Framing()}
        self.queued = {"up": 0, "down": 0}
        self.room = {"up": asyncio.Event(), "down": asyncio.Event()}
        self.dead_sides = set()  # directions whose sender was cut off while the other side was left in peace
        self.over = asyncio.Event()

    async def serve(self):
        tasks = []
        for direction in ("up", "down"):
            queue = asyncio.Queue()
            tasks.append(asyncio.ensure_future(self.read(direction, queue)))
            tasks.append(asyncio.ensure_future(self.write(direction, queue)))
        await self.over.wait()
        for task in tasks:
            task.cancel()
        self.end("close")

    def end(self, how):
        for side in self.from_side.values():
            side.close(how)
        self.over.set()

    async def read(self, direction, queue):
        """What one side sends, with the time from which on it may be passed on."""
        reader = self.from_side[direction].reader
        loop = asyncio.get_running_loop()
        last = 0.0
        while True:
            try:
                piece = await reader.read(PIECE)
            except OSError:
                piece = b""
            faults = self.proxy.faults[direction]
            last = max(last, loop.time() + faults.delay + self.proxy.random.uniform(0, faults.jitter))
            queue.put_nowait((last, piece))
            if not piece:
                return
            self.queued[direction] += len(piece)
            while self.queued[direction] > QUEUE:
                self.room[direction].clear()
                await self.room[direction].wait()

    async def write(self, direction, queue):
        writer = self.from_side[OPPOSITE[direction]].writer
        loop = asyncio.get_running_loop()
        try:
            while True:
                due, piece = await queue.get()
                if not piece:
                    break
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
                while self.proxy.faults[direction].stalled:
                    await self.proxy.changed.wait()
                data = self.corrupt(direction, piece)
                if not await self.pass_on(direction, writer, data):
                    return
                self.queued[direction] -= len(piece)
                self.room[direction].set()
        except OSError:
            pass
        if not self.dead_sides:
            self.over.set()

    async def pass_on(self, direction, writer, data):
        """False if the connection was cut meanwhile."""
        faults = self.proxy.faults[direction]
        while data:
            step = len(data)
            if faults.rate:
                step = min(step, max(1, faults.rate // 50))
            if faults.cut_after is not None:
                step = min(step, faults.cut_after)
            writer.write(bytes(data[:step]))
            await writer.drain()
            self.proxy.passed[direction] += step
            data = data[step:]
            if faults.cut_after is not None:
                faults.cut_after -= step
                if faults.cut_after == 0:
                    faults.cut_after = None
                    self.proxy.cuts += 1
                    self.end(faults.cut_how)
                    return False
            if faults.rate:
                await asyncio.sleep(step / faults.rate)
        return True

    def corrupt(self, direction, piece):
        faults = self.proxy.faults[direction]
        spots = self.framing[direction].spots(piece)  # always, so that it keeps up
        if faults.corrupt_after is None:
            return piece
        if faults.corrupt_after >= len(piece):
            faults.corrupt_after -= len(piece)
            return piece
        if faults.corrupt_spots is None:
            index, what = faults.corrupt_after, "any byte"
        else:
            spots = [spot for spot in spots if spot[1] in faults.corrupt_spots and spot[0] >= faults.corrupt_after]
            faults.corrupt_after = 0
            if not spots:
                return piece
            index, what = self.proxy.random.choice(spots)
        faults.corrupt_after = None
        bit = self.proxy.random.choice(BITS.get(what, range(8)))
        data = bytearray(piece)
        data[index] ^= 1 << bit
        before = bytes(piece[max(0, index - 16):index])
        self.proxy.corrupted.append(f"{direction} byte {self.proxy.passed[direction] + index} ({what}): "
                                    f"{piece[index]:02x} -> {data[index]:02x}, after {before!r}")
        return data

    def half_open(self, side):
        """`side` ("client" or "server") is reset, and the other one hears nothing of it."""
        direction = {"client": "up", "server": "down"}[side]
        self.dead_sides.add(direction)
        self.from_side[direction].close("reset")


class Proxy:
    """Listens on `host`, and connects to wherever `target` says."""

    def __init__(self, loop, host, seed):
        self.loop = loop
        self.random = random.Random(seed)
        self.target = None  # (host, port)
        self.faults = {"up": Faults(), "down": Faults()}
        self.refuses = False
        self.connections = set()
        self.accepted = 0
        self.cuts = 0
        self.passed = {"up": 0, "down": 0}
        self.corrupted = []
        self.port = loop.call(self.listen, host)
        self.endpoint = f"tcp://{host}:{self.port}"

    async def listen(self, host):
        self.changed = asyncio.Event()
        server = await asyncio.start_server(self.serve, host, 0, limit=PIECE)
        return server.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        client = Side(reader, writer)
        if self.refuses or self.target is None:
            client.close("reset")
            return
        self.accepted += 1
        try:
            server = Side(*await asyncio.open_connection(*self.target, limit=PIECE))
        except OSError:
            client.close("reset")
            return
        connection = Connection(self, client, server)
        self.connections.add(connection)
        try:
            await connection.serve()
        finally:
            self.connections.discard(connection)

    # From any thread.

    def set(self, direction, **values):
        """Faults of "up", "down" or "both" directions."""
        def apply():
            for one in ("up", "down") if direction == "both" else (direction,):
                for key, value in values.items():
                    setattr(self.faults[one], key, value)
            self.changed.set()
            self.changed.clear()
        self.loop.call(apply)

    def heal(self):
        def apply():
            self.faults = {"up": Faults(), "down": Faults()}
            self.refuses = False
            self.changed.set()
            self.changed.clear()
        self.loop.call(apply)

    def cut(self, how="reset"):
        """All connections, now."""
        def apply():
            for connection in list(self.connections):
                self.cuts += 1
                connection.end(how)
        self.loop.call(apply)

    def half_open(self, side):
        def apply():
            for connection in list(self.connections):
                connection.half_open(side)
        self.loop.call(apply)

    def drop_half_open(self):
        """Connections of which one side is gone end for the other as well."""
        def apply():
            for connection in list(self.connections):
                if connection.dead_sides:
                    connection.end("reset")
        self.loop.call(apply)
