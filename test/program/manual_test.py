#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages and the completions name every command and option that --help names, and the shells can use them.

usage: manual_test.py FOLDER, with the program in GALENA_PROGRAM. A shell that is not installed is not asked.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

PROGRAM = os.environ["GALENA_PROGRAM"]
FOLDER = pathlib.Path(sys.argv[1])
complaints = []


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)


def check(claim, truth):
    if not truth:
        complaints.append(claim)


def read(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def completed_by_bash(*words):
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _galena; printf "%s\\n" "${COMPREPLY[@]}"')
    return run("bash", "-c", script, "bash", str(FOLDER / "galena.bash"), *words).stdout.split()


def completed_by_fish(line):
    script = f"source {FOLDER / 'galena.fish'}; complete -C '{line}'"
    return [each.split("\t")[0] for each in run("fish", "--no-config", "-c", script).stdout.splitlines()]


def check_command(command):
    shown = run(PROGRAM, command, "--help").stdout
    options = set(re.findall(r"(?m)^  (?:-\w,)?(--[a-z-]+)", shown))
    check(f"{command}: --help shows options", {"--help", "--domain"} <= options)

    page = read(f"galena-{command}.1").replace("\\-", "-")
    check(f"galena-{command}.1 has each option", {each for each in options if each not in page} == set())
    check(f"bash completes the options of {command}", options <= set(completed_by_bash("galena", command, "--")))
    check(f"_galena has the options of {command}", all(f"{each}[" in read("_galena") for each in options))
    of_fish = "\n".join(line for line in read("galena.fish").splitlines() if f"_from {command}'" in line) + "\n"
    check(f"galena.fish has the options of {command}", all(f" -l {each[2:]} " in of_fish for each in options))
    if shutil.which("fish"):
        check(f"fish completes the options of {command}", options <= set(completed_by_fish(f"galena {command} --")))


shown = run(PROGRAM, "--help").stdout
names = re.findall(r"(?m)^  (\w+) ", shown.split("Subcommands:")[1])
check("--help lists commands", {"pub", "sub"} <= set(names))
check("bash completes commands", set(names) <= set(completed_by_bash("galena", "")))
check("bash completes what is begun", completed_by_bash("galena", "relay", "--ackn") == ["--acknowledge"])
check("bash completes values", completed_by_bash("galena", "relay", "--acknowledge", "d") == ["downstream"])
if shutil.which("fish"):
    check("fish completes commands", set(names) <= set(completed_by_fish("galena ")))
if shutil.which("zsh"):
    check("zsh reads _galena", run("zsh", "-n", str(FOLDER / "_galena")).returncode == 0)
check("galena.1 names each command", all(f"galena {name}" in read("galena.1") for name in names))
for command in names:
    if command != "bench":  # galena-bench, which is not installed
        check_command(command)
for page in FOLDER.glob("*.1"):
    if shutil.which("man"):
        warnings = run("man", "--warnings", "-l", str(page), env={**os.environ, "LC_ALL": "C.UTF-8", "MANROFFOPT": ""}).stderr
        check(f"{page.name} is clean: {warnings}", warnings == "")

print("\n".join(complaints) or "as it should be")
sys.exit(1 if complaints else 0)
