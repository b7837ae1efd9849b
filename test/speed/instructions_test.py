#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions that an event takes on its way, and compares them with the table in docs/performance.md.

Seconds depend on the machine and on what else it does; instructions hardly do. Usage: instructions_test.py HOT_PATH PAGE
"""
import pathlib
import re
import subprocess
import sys
import tempfile

HOT_PATH, PAGE = sys.argv[1], pathlib.Path(sys.argv[2])
STEPS = {
    "produce": r"ingest_all<",
    "send": r"galena::detail::OutletDriver::transmit\(\)",
    "receive": r"galena::detail::InletDriver::begin_frame\(",
    "consume": r"galena::detail::InletDriver::read\(",
}
GROWTH = 1.2  # more than that is a loss that somebody should have noticed
FEW, MANY = 5_000, 20_000
# What a batch or a frame costs is shared by thousands of events, and a few of those steps come and go with the threads.
NOISE = 5


def inclusive_costs(what, count, mode, steps):
    """Instructions of each step and of all that it calls."""
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory) / "callgrind.out"
        # (Filling memory that is freed or allocated would count.)
        subprocess.run(["env", "MALLOC_PERTURB_=0", "valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", HOT_PATH, what, str(count), mode],
                       check=True, capture_output=True, text=True, timeout=120)
        lines = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", "--auto=no", out], check=True,
                               capture_output=True, text=True, timeout=120).stdout.splitlines()
    costs = {}
    for step in steps:
        function = STEPS[step]
        found = [line for line in lines if re.search(function, line)]
        assert found, f"{step}: nothing matches {function}"
        costs[step] = max(int(re.match(r"\s*([\d,]+)", line)[1].replace(",", "")) for line in found)
    return costs


def per_event(what):
    counted = {}
    # What a producer's caller does is counted while no other thread does anything: waiting for the lock would count, too.
    for mode, steps in {"produce": ["produce"], "through": ["send", "receive", "consume"]}.items():
        few, many = (inclusive_costs(what, count, mode, steps) for count in (FEW, MANY))
        counted |= {step: (many[step] - few[step]) / (MANY - FEW) for step in steps}
    return counted


def table():
    """{what: {step: instructions}} of the page."""
    rows = re.findall(r"^\| `([\w-]+)` \|[^|]*\|([^|]+)\|([^|]+)\|([^|]+)\|([^|]+)\|", PAGE.read_text(), re.MULTILINE)
    assert rows, f"{PAGE} has no table of instructions"
    return {row[0]: {step: float(cell) for step, cell in zip(STEPS, row[1:])} for row in rows}


def main():
    wrong = []
    for what, said in table().items():
        counted = per_event(what)
        print(f"{what:10}", *(f"{step} {counted[step]:.1f} (said: {said[step]:g})" for step in STEPS), sep="  ")
        for step in STEPS:
            if counted[step] > said[step] * GROWTH + NOISE:
                wrong.append(f"{what}: {step} takes {counted[step]:.0f} instructions an event, where the page says {said[step]:g}")
            if said[step] > counted[step] * GROWTH + NOISE:
                wrong.append(f"{what}: {step} takes only {counted[step]:.0f}, where the page says {said[step]:g}: bring it up to date")
    print(*wrong, sep="\n")
    return 1 if wrong else 0


sys.exit(main())
