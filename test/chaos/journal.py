# SPDX-License-Identifier: Apache-2.0
"""Reads the journal of a sink while it grows, and the tally of a source."""
import os
import struct


class Journal:
    def __init__(self, path):
        self.path = path
        self.file = None
        self.rest = b""
        self.lines = []
        self.highest = {}  # label -> the highest position that came
        self.told = {}  # source -> gaps were told up to this position of it
        self.gaps = 0

    def update(self):
        if self.file is None:
            if not os.path.exists(self.path):
                return
            self.file = open(self.path, "rb")
        *lines, self.rest = (self.rest + self.file.read()).split(b"\n")
        for line in lines:
            text = line.decode()
            self.lines.append(text)
            words = text.split(" ")
            if words[0] == "e" and len(words) > 3 and words[3].isdigit():
                self.highest[words[2]] = max(self.highest.get(words[2], -1), int(words[3]))
            elif words[0] == "g":
                self.gaps += 1
                self.told[words[1]] = max(self.told.get(words[1], 0), int(words[4]))

    def count(self, kind="e"):
        self.update()
        return sum(line.startswith(kind) for line in self.lines)

    def reached(self, label, position, told, source):
        """It came, or the source's own sink was told that nothing will up to `told`, its position in the stream."""
        self.update()
        return self.highest.get(label, -1) >= position or (told is not None and self.told.get(source, 0) > told)


def read_tally(path):
    """(offered, accepted)"""
    with open(path, "rb") as file:
        return struct.unpack("=QQ", file.read(16))
