#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the texts show is what is there: README.md's programs, and PROTOCOL.md's bytes as another language reads them.

usage: docs_test.py REPOSITORY
"""
import pathlib
import re
import sys

import msgpack

ROOT = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(ROOT / "test" / "peers"))
import galena_peer  # noqa: E402

FENCE = re.compile(r"^([^\n]*)\n+```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text):
    """(line before, language, content) of each fenced block."""
    return [match.groups() for match in FENCE.finditer(text)]


def readme_shows_the_examples():
    """Each C++ block of README.md follows a line that names the file that it is."""
    shown = set()
    for before, language, content in blocks((ROOT / "README.md").read_text()):
        if language != "cpp":
            continue
        names = re.findall(r"examples/\w+\.cpp", before)
        if not names:
            yield f"README.md: the C++ below '{before}' belongs to no example"
            continue
        shown.add(names[0])
        if content != (ROOT / names[0]).read_text():
            yield f"README.md: what it shows is not {names[0]}"
    for name in ("examples/producer.cpp", "examples/producer_consumer.cpp", "examples/consumer.cpp"):
        if name not in shown:
            yield f"README.md does not show {name}"
        if len((ROOT / name).read_text().splitlines()) > 15:
            yield f"{name} has more than 15 lines"


def links_lead_somewhere():
    for text in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text.read_text()):
            if "://" not in target and not (text.parent / target).exists():
                yield f"{text.relative_to(ROOT)}: there is no {target}"


def readme_names_files_that_exist():
    for name in re.findall(r"`((?:lib|apps|examples|test|docs)/[\w/.]*\w)`", (ROOT / "README.md").read_text()):
        if not (ROOT / name).exists():
            yield f"README.md: there is no {name}"


def protocol_examples_decode():
    shown = set()
    for before, language, content in blocks((ROOT / "PROTOCOL.md").read_text()):
        if language or not re.fullmatch(r"[0-9a-f\s]+", content):
            continue
        message = bytes.fromhex(content)
        label = before.split(":")[0]
        try:
            if label == "batch":
                events = [event for batch in galena_peer.decode_batches(message) for event in batch.events]
                complain = not events
            elif label in ("domain `default`, service 33..., term 4, dedicated, port 40123", "who is there?"):
                complain = msgpack.unpackb(message)[0] != "galena-names"
            else:
                complain = msgpack.unpackb(message)[0] != label
            shown.add(label)
        except (ValueError, msgpack.exceptions.UnpackException) as error:
            complain = error
        if complain:
            yield f"PROTOCOL.md: '{before}': {complain}"
    verbs = {"subscribe", "accept", "batch", "grant", "gap", "mark", "draining", "end", "cancel", "offer", "refuse",
             "inquire", "report", "register",
             "lookup", "watch", "who is there?"}
    for verb in sorted(verbs - shown):
        yield f"PROTOCOL.md has no example of '{verb}'"


def main():
    complaints = [complaint for rule in (readme_shows_the_examples, readme_names_files_that_exist, links_lead_somewhere,
                                         protocol_examples_decode) for complaint in rule()]
    print("\n".join(complaints) or "fine")
    return 1 if complaints else 0


sys.exit(main())
