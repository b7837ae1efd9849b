# SPDX-License-Identifier: Apache-2.0
"""Where in a ZMTP 3 byte stream the heads of frames and of Galena's batches are."""

GREETING = 64
LONG = 2  # flags of a frame
COMMAND = 4
BATCH_HEAD = 32
# The fixed widths of a batch's header, see PROTOCOL.md.
FIELDS = (["type", "type"] + ["bytes"] * 4 + ["type"] + ["count"] * 4 + ["type"] + ["from"] * 8 + ["type"] +
          ["upto"] * 8 + ["type"] + ["flags"] * 2)


class Framing:
    """Follows one direction of a connection, however it is cut into pieces."""

    def __init__(self):
        self.skip = GREETING  # bytes that are of no interest
        self.head = b""  # of the frame: flags and length, as far as they came
        self.body_at = 0  # in the first bytes of a message
        self.body_left = 0

    def spots(self, piece):
        """(index in the piece, what is there): `frame flags` or `frame length` of a message, or a field of a batch's
        header. Only the first batch of a message is looked at."""
        found = []
        at = 0
        while at < len(piece):
            if self.skip:
                step = min(self.skip, len(piece) - at)
                self.skip -= step
                at += step
                continue
            if self.body_left:
                if self.body_at == 0 and piece[at] != 0x95 or self.body_at == BATCH_HEAD:
                    self.skip, self.body_left = self.body_left, 0
                    continue
                found.append((at, FIELDS[self.body_at]))
                self.body_at += 1
                self.body_left -= 1
                at += 1
                continue
            found.append((at, "frame length" if self.head else "frame flags"))
            self.head += piece[at:at + 1]
            at += 1
            if len(self.head) == (9 if self.head[0] & LONG else 2):
                length = int.from_bytes(self.head[1:], "big")
                if self.head[0] & COMMAND or length < BATCH_HEAD:
                    self.skip = length
                else:
                    self.body_left, self.body_at = length, 0
                self.head = b""
        return found
