#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints `N passed, N failed` for a meson test log, and before that what was skipped. Exit code 1 if any failed, or if
there was none at all.

Test programs made with doctest count by their test cases, all others as one.
"""
import json
import re
import sys

DOCTEST = re.compile(r"^\[doctest\] test cases: +\d+ \| +(\d+) passed \| +(\d+) failed", re.MULTILINE)


def count(test):
    summaries = DOCTEST.findall(test.get("stdout") or "")
    passed = sum(int(summary[0]) for summary in summaries)
    failed = sum(int(summary[1]) for summary in summaries)
    fine = test["result"] in ("OK", "EXPECTEDFAIL")
    if fine and not summaries:
        passed = 1
    if not fine and test["result"] != "SKIP" and failed == 0:
        failed = 1  # it crashed or ran out of time before it could say
    return passed, failed


def main():
    with open(sys.argv[1], encoding="utf-8") as log:
        tests = [json.loads(line) for line in log if line.strip()]
    for test in tests:
        if test["result"] == "SKIP":
            print(f"{test['name']}: {(test.get('stdout') or 'skipped').strip()}")
    counts = [count(test) for test in tests]
    passed = sum(each[0] for each in counts)
    failed = sum(each[1] for each in counts)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
