#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program on two hosts that did not see each other for a while. See hosts.py.

The path of the program is in GALENA_PROGRAM.
"""
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import hosts  # noqa: E402

EXIT_ERROR = 1


def galena(host, domain, *arguments):
    """What it says on standard error comes with its output."""
    return hosts.Peer(host, "sh", "-c", 'exec "$0" "$@" 2>&1', os.environ["GALENA_PROGRAM"], *arguments, "-v", "--domain", domain)


def await_line(peer, part):
    seen = []
    try:
        while part not in (line := peer.line("")):
            seen.append(line)
    except AssertionError as error:
        raise AssertionError(f"{error}, in search of '{part}'; it said {seen}") from None
    return line


def one_of_two_ends(a, b, domain, *arguments):
    """Both have the name `x` until their hosts see each other. (It is the younger's that is lost, but these are as old.)"""
    both = [galena(a, domain, *arguments)]
    await_line(both[0], "x: registered at")
    b.plug(False)
    both.append(galena(b, domain, *arguments))
    await_line(both[1], "x: registered at")
    b.plug(True)
    end = time.monotonic() + 40
    while not (ended := [peer for peer in both if peer.process.poll() is not None]):
        assert time.monotonic() < end, "both go on"
        time.sleep(0.02)  # between two looks
    owner = next(peer for peer in both if peer not in ended)
    line = await_line(ended[0], "x: the name belongs to")
    assert f"(process {owner.process.pid}) now" in line, line
    assert ended[0].process.returncode == EXIT_ERROR
    assert owner.process.poll() is None


def of_two_pubs_of_one_name_one_ends_with_1_and_says_who_has_it(a, b, domain):
    one_of_two_ends(a, b, domain, "pub", "x")


def of_two_relays_of_one_name_one_ends_with_1_and_says_who_has_it(a, b, domain):
    one_of_two_ends(a, b, domain, "relay", "x", "--from", "y")


sys.exit(hosts.run([
    of_two_pubs_of_one_name_one_ends_with_1_and_says_who_has_it,
    of_two_relays_of_one_name_one_ends_with_1_and_says_who_has_it,
]))
