# SPDX-License-Identifier: Apache-2.0
"""Says what became of events: what sources gave, against what a sink wrote down.

Everything here is a pure function of text and numbers. A sink's journal has these lines:
    b                                   it (or its successor) began. An empty line stands before it, or the line that
                                        its predecessor was writing when it was killed, in an event's handler
    e REPEATED LABEL POSITION FILLER HASH
                                        it handled an event; REPEATED is 1 if it was marked so
    g SOURCE COUNT FROM UPTO REASON     it was told of a gap; COUNT may be `unknown`
    s SOURCE STATE                      the state of a subscription
A label is one life of one source; its events have the positions 0, 1, 2, ...
"""
import bisect
import collections
import dataclasses
import zlib


@dataclasses.dataclass
class Account:
    """What a source gave under one label: so many were surely accepted, and so many offered at most."""
    accepted: int
    offered: int
    source: str = ""  # the name that gaps of it are told under; empty: any


@dataclasses.dataclass
class Verdict:
    events: int = 0  # that were accepted
    ok: int = 0  # handled at least once, in order, as they were given
    lost_told: int = 0
    lost_untold: int = 0
    repeated_marked: int = 0
    repeated_unmarked: int = 0
    reordered: int = 0
    phantom: int = 0
    told_too_much: int = 0  # events that gaps with a count told of, and that came
    unknown_gaps: int = 0
    notes: list = dataclasses.field(default_factory=list)  # the first few of what is wrong, for people

    def add(self, other):
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def bad(self):
        return self.lost_untold + self.repeated_unmarked + self.reordered + self.phantom


@dataclasses.dataclass
class Gap:
    line: int
    source: str
    left: int  # of its count: not yet matched with a loss
    unknown: bool


MOST_NOTES = 5


def check_payload(words, accounts):
    """(label, position) of an event's text, or why there cannot be such an event."""
    if len(words) != 4:
        return None, "not of four words"
    label, position, filler, told = words
    if f"{zlib.crc32(f'{label} {position} {filler} '.encode()):08x}" != told:
        return None, "its hash is wrong"
    account = accounts.get(label)
    if account is None:
        return None, "there is no such source"
    if int(position) >= account.offered:
        return None, f"only {account.offered} were offered"
    return (label, int(position)), None


def missing_runs(seen, accepted):
    """Ranges of [0, accepted) that are not in the sorted list."""
    runs = []
    expected = 0
    for position in seen:
        if position >= accepted:
            break
        if position > expected:
            runs.append((expected, position))
        expected = position + 1
    if expected < accepted:
        runs.append((expected, accepted))
    return runs


def tell(gaps, first, last, source, count):
    """How many of `count` lost events the gaps tell of that stand in the journal's lines (first, last)."""
    told = 0
    start = bisect.bisect_right(gaps, first, key=lambda gap: gap.line)
    for gap in gaps[start:]:
        if gap.line >= last or told == count:
            break
        if source and gap.source != source:
            continue
        if gap.unknown:
            return count
        used = min(gap.left, count - told)
        gap.left -= used
        told += used
    return told


def judge(accounts, journal, told_elsewhere=(), overlap=False):
    """`accounts`: label -> Account. `journal`: the lines of one sink, over all of its lives. `told_elsewhere`: journals
    of relays before it, whose gaps count as told too, wherever they stand. `overlap`: two lives of the sink wrote at
    the same time, so an event may have come marked before it came unmarked."""
    verdict = Verdict(events=sum(account.accepted for account in accounts.values()))
    came = collections.defaultdict(dict)  # label -> position -> the first line that has it
    came_marked = set()
    highest = {}
    gaps = []

    def note(text):
        if len(verdict.notes) < MOST_NOTES:
            verdict.notes.append(text)

    for number, line in enumerate(journal):
        if journal[number + 1:number + 2] == ["b"]:
            continue
        kind, *words = line.split(" ")
        if kind == "g":
            gaps.append(read_gap(number, words))
            continue
        if kind != "e":
            continue
        marked, *words = words
        event, why = check_payload(words, accounts)
        if event is None:
            verdict.phantom += 1
            note(f"line {number + 1}: phantom: {why}: {' '.join(words)[:80]}")
            continue
        label, position = event
        if position in came[label]:
            if marked == "1" or (overlap and event in came_marked):
                verdict.repeated_marked += 1
            else:
                verdict.repeated_unmarked += 1
                note(f"line {number + 1}: {label} {position} came again, unmarked; first in line "
                     f"{came[label][position] + 1}")
            continue
        came[label][position] = number
        if marked == "1":
            came_marked.add(event)
        if position < highest.get(label, 0):
            verdict.reordered += 1
            note(f"line {number + 1}: {label} {position} came after {highest[label]}")
        else:
            highest[label] = position
            verdict.ok += 1

    verdict.unknown_gaps = sum(gap.unknown for gap in gaps)
    elsewhere = [read_gap(0, line.split(" ")[1:]) for lines in told_elsewhere for line in lines if line[:2] == "g "]
    for label, account in accounts.items():
        for start, upto in missing_runs(sorted(came[label]), account.accepted):
            count = upto - start
            first = came[label].get(start - 1, -1)
            last = came[label].get(upto, len(journal))
            told = tell(gaps, first, last, account.source, count)
            if told < count:
                told += tell(elsewhere, -1, 1, "", count - told)
            verdict.lost_told += told
            verdict.lost_untold += count - told
            if told < count:
                note(f"{label} [{start}, {upto}) did not come, and {told} of these were told "
                     f"(lines {first + 1} to {last + 1})")
    verdict.told_too_much = sum(gap.left for gap in gaps)
    if verdict.told_too_much:
        note(f"gaps tell of {verdict.told_too_much} events more than did not come")
    return verdict


def judge_order(accounts, journal, name):
    """Of what a relay's handler saw: phantoms, and what came unmarked again or out of order. Not what is missing: a
    relay that was killed, and keeps no place, does not know."""
    whole = judge(accounts, journal)
    notes = [f"{name}: {note}" for note in whole.notes if "phantom" in note or "unmarked" in note or "came after" in note]
    return Verdict(reordered=whole.reordered, phantom=whole.phantom, repeated_unmarked=whole.repeated_unmarked,
                   notes=notes)


def read_gap(line, words):
    source, count = words[0], words[1]
    return Gap(line, source, 0 if count == "unknown" else int(count), count == "unknown")
