#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the texts show is what is there: README.md's programs, PROTOCOL.md's bytes as another language reads them, and in
docs/api.md every public type with all of its members.

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
    for name in ("examples/producer.cpp", "examples/consumer.cpp"):
        if name not in shown:
            yield f"README.md does not show {name}"
    for name in (*shown, "examples/producer_consumer.cpp"):
        if len((ROOT / name).read_text().splitlines()) > 15:
            yield f"{name} has more than 15 lines"


def links_lead_somewhere():
    for text in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        prose = re.sub(r"^```.*?^```$", "", text.read_text(), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", prose):
            if "://" not in target and not (text.parent / target).exists():
                yield f"{text.relative_to(ROOT)}: there is no {target}"


def readme_names_files_that_exist():
    for name in re.findall(r"`((?:lib|apps|examples|test|docs)/[\w/.]*\w)`", (ROOT / "README.md").read_text()):
        if not (ROOT / name).exists():
            yield f"README.md: there is no {name}"


COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)  # or a string, which may look like one
TYPE = re.compile(r"^( *)(struct|class|enum class) (?:GALENA_API )?(\w+)(?: final)?(?: :([^{;]*))? \{(?:\};|([^\n]*\};|.*?^\1\};))",
                  re.MULTILINE | re.DOTALL)
DETAIL = re.compile(r"^namespace (?:galena::)?detail \{", re.MULTILINE)
NOT_MEMBERS = ("using ", "friend ", "static_assert", "struct ", "class ", "enum ")


def without(opening, closing, inside, text):
    """`text` without what stands between these two, from the innermost pair outwards."""
    pair = re.compile(f"{opening}[^{opening}{closing}{inside}]*{closing}")
    while pair.search(text):
        text = pair.sub(";" if opening == "{" else "", text)
    return text


def within_detail(text):
    """The parts of `text` that lie in the namespace that is nobody's business, and the rest of it."""
    inside = ""
    while begin := DETAIL.search(text):
        end, depth = begin.end(), 1
        while depth > 0:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        inside += text[begin.end():end - 1]
        text = text[:begin.start()] + text[end:]
    return inside, text


def members_of(kind, name, body):
    """The enumerators of an enum; the public data members and functions of a class, but for what every class has."""
    if kind == "enum class":
        return [part.split("=")[0].strip() for part in body.rstrip("\n };").split(",") if part.strip()]
    access = "private" if kind == "class" else "public"
    visible = ""
    for part in re.split(r"^ (public|protected|private):$", body, flags=re.MULTILINE):
        if part in ("public", "protected", "private"):
            access = part
        elif access == "public":
            visible += part
    visible = re.sub(r"^ *template <[^\n]*>$", "", visible, flags=re.MULTILINE)
    visible = without("<", ">", ";=", without("{", "}", "", visible))
    members = []
    for declaration in map(str.strip, visible.split(";")):
        if not declaration or declaration.startswith(NOT_MEMBERS) or "operator" in declaration:
            continue
        declaration = re.sub(r"\[\[.*?\]\]", "", declaration)
        function = re.match(r"[^=(]*?(~?\w+)\s*\(", declaration)
        field = re.search(r"(\w+)\s*(?:=.*)?$", declaration, re.DOTALL)
        member = function[1] if function else field[1] if field else ""
        if member not in ("", name, "requires", "delete", "default") and not member.startswith("~") and not member.endswith("_"):
            members.append(member)
    return members


def types_in(text):
    """{name: (members, what it inherits from, types inside of it)}, those inside of others included."""
    types = {}
    for _, kind, name, bases, body in TYPE.findall(text):
        private = re.search("^ private:", body, re.MULTILINE)
        inside = types_in(body[:private.start()] if private else body)
        types |= inside
        types[name] = members_of(kind, name, body), re.findall(r"\w+(?=\s*(?:,|$))", bases), inside.keys()
    return types


def public_types():
    """{name: members} of every type of the namespace galena in the headers that are installed, with what they inherit."""
    headers = ROOT / "lib" / "galena"
    hidden, types = {}, {}
    for header in sorted([*headers.glob("*.hpp"), *headers.glob("detail/*.hpp")]):
        inside, outside = within_detail(COMMENT.sub("", header.read_text()))
        hidden |= types_in(inside)
        types |= types_in(outside)
    public = {}
    for name, (members, bases, _) in types.items():
        public[name] = [member for member in members if member not in bases]
        for base in filter(hidden.get, bases):
            public[name] += hidden[base][0]
            public |= {inner: hidden[inner][0] for inner in hidden[base][2]}
    return public


def api_page_names_everything():
    """docs/api.md has a heading for each public type, below it all of its members, and in its tables no others."""
    page = (ROOT / "docs" / "api.md").read_text()
    sections = {}
    for heading, section in re.findall(r"^#+ ([^\n]*)\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL):
        for name in re.findall(r"`(\w+)`", heading):
            sections[name] = section
    types = public_types()
    if not {"Node", "ProducerOptions", "State"} <= types.keys() or "hold" not in types["ProducerOptions"]:
        yield "docs_test.py does not find the types of the public headers any more"
    for name, members in types.items():
        if name not in sections:
            yield f"docs/api.md has no heading for {name}"
            continue
        for member in sorted(set(members)):
            if not re.search(rf"`[^`\n]*\b{member}\b[^`\n]*`", sections[name]):
                yield f"docs/api.md: {name} does not name {member}"
        for member in re.findall(r"^\| `(?:[\w:]+ )?(\w+)", sections[name], re.MULTILINE):
            if member not in members and member != name:
                yield f"docs/api.md: {name} has no {member}"
    for name in sorted(sections.keys() - types.keys()):
        yield f"docs/api.md: there is no {name}"


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
                                         api_page_names_everything, protocol_examples_decode) for complaint in rule()]
    print("\n".join(complaints) or "fine")
    return 1 if complaints else 0


sys.exit(main())
