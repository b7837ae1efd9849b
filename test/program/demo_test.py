#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`galena demo` accounts for every event and leaves no process behind."""
import os
import pathlib
import re
import signal
import subprocess
import time
import uuid

GALENA = os.environ["GALENA_PROGRAM"]
DEADLINE = 60
DOMAIN = f"demo-{uuid.uuid4().hex[:12]}"


def processes_of(domain):
    """Those that were started for this domain and still run."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if domain.encode() in words and state != "Z":
            found.append(int(entry.name))
    return found


def start(domain, *words):
    return subprocess.Popen([GALENA, "demo", "--domain", domain, *words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def read_until(process, start_of_line):
    while line := process.stdout.readline():
        if line.startswith(start_of_line):
            return
    raise AssertionError(f"the demo never said '{start_of_line}': {process.stderr.read()}")


def wait_until_gone(domain):
    end = time.monotonic() + DEADLINE
    while left := processes_of(domain):
        assert time.monotonic() < end, f"processes are left: {left}"
        time.sleep(0.01)


def check_account(out):
    """The last line sums the table up, and nothing was lost."""
    rows = re.findall(r"^(\w+) <- (\w+) .* (\d+) +(\d+) +(\d+)$", out, re.MULTILINE)
    assert sorted(row[:2] for row in rows) == [("dashboard", "machine"), ("digest", "machine"), ("watch", "digest")], out
    assert all(selected == delivered and lost == "0" for _, _, selected, delivered, lost in rows), out
    total = sum(int(row[3]) for row in rows)
    assert total > 0 and out.splitlines()[-1] == f"demo: {total} delivered, 0 lost", out


def it_ends_by_itself_and_accounts_for_every_event():
    demo = start(DOMAIN + "-1", "--seconds", "3")
    out, err = demo.communicate(timeout=DEADLINE)
    assert demo.returncode == 0, (out, err)
    assert "dashboard  memory" in out and "watch      found digest" in out, out
    check_account(out)
    wait_until_gone(DOMAIN + "-1")


def a_signal_drains_it():
    for number in (signal.SIGINT, signal.SIGTERM):
        demo = start(DOMAIN + "-2", "--forever")
        read_until(demo, "dashboard  memory")
        demo.send_signal(number)
        out, err = demo.communicate(timeout=DEADLINE)
        assert demo.returncode == 0, (out, err)
        check_account(out)
        wait_until_gone(DOMAIN + "-2")


def killed_it_leaves_no_process():
    demo = start(DOMAIN + "-3", "--forever")
    read_until(demo, "dashboard  memory")
    demo.kill()
    demo.wait()
    wait_until_gone(DOMAIN + "-3")


def it_fails_if_one_of_its_processes_does():
    demo = start(DOMAIN + "-4", "--forever")
    read_until(demo, "dashboard  memory")
    for process in processes_of(DOMAIN + "-4"):
        try:
            words = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        except OSError:  # one that came to its end just now
            continue
        if b"watch" in words:
            os.kill(process, signal.SIGKILL)
    _, err = demo.communicate(timeout=DEADLINE)
    assert demo.returncode == 1 and "watch ended too early" in err, (demo.returncode, err)
    wait_until_gone(DOMAIN + "-4")


it_ends_by_itself_and_accounts_for_every_event()
a_signal_drains_it()
killed_it_leaves_no_process()
it_fails_if_one_of_its_processes_does()
print("fine")
