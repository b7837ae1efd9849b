#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program on two hosts that did not see each other for a while. See hosts.py.

The path of the program is in GALENA_PROGRAM.
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import hosts  # noqa: E402

EXIT_ERROR = 1


def galena(host, domain, *arguments):
    """What it says on standard error comes with its output."""
    return hosts.Peer(host, "sh", "-c", 'exec "$0" "$@" 2>&1', os.environ["GALENA_PROGRAM"], *arguments, "-v", "--domain", domain)


def await_line(peer, part):
    while part not in (line := peer.line("")):
        pass
    return line


def check_lost(old, young):
    """`young` says whose the name is, and ends; `old` goes on."""
    line = await_line(young, "x: the name belongs to")
    assert f"(process {old.process.pid}) now" in line, line
    assert young.process.wait(20) == EXIT_ERROR
    assert old.process.poll() is None


def claimed_on_both_sides(a, b, domain, *arguments):
    old = galena(a, domain, *arguments)
    await_line(old, "x: registered at")
    b.plug(False)
    young = galena(b, domain, *arguments)
    await_line(young, "x: registered at")
    b.plug(True)
    check_lost(old, young)


def of_two_pubs_of_one_name_the_younger_ends_with_1_and_says_who_has_it(a, b, domain):
    claimed_on_both_sides(a, b, domain, "pub", "x")


def of_two_relays_of_one_name_the_younger_ends_with_1_and_says_who_has_it(a, b, domain):
    claimed_on_both_sides(a, b, domain, "relay", "x", "--from", "y")


sys.exit(hosts.run([
    of_two_pubs_of_one_name_the_younger_ends_with_1_and_says_who_has_it,
    of_two_relays_of_one_name_the_younger_ends_with_1_and_says_who_has_it,
]))
