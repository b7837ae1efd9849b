#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the manual pages and the shell completions of `galena`, all of it from what its --help says.

usage: manual.py PROGRAM FOLDER COMMAND...

The commands are those that --help must list, besides `bench`: its options are those of galena-bench. Into FOLDER go galena.1, galena-COMMAND.1, galena.bash, _galena (zsh) and
galena.fish.
"""
import dataclasses
import pathlib
import re
import subprocess
import sys


@dataclasses.dataclass
class Option:
    names: list  # -h, --help; or the name of a positional argument
    value: str  # how its value is called; empty: it takes none
    choices: list  # the values that it can have, if there are only some
    text: str  # one sentence
    notes: list  # "Excludes: --now"

    @property
    def title(self):
        return ",".join(self.names)


@dataclasses.dataclass
class Help:
    summary: str = ""
    usage: str = ""
    examples: list = dataclasses.field(default_factory=list)
    groups: dict = dataclasses.field(default_factory=dict)  # title: options
    commands: dict = dataclasses.field(default_factory=dict)  # name: sentence
    exit_codes: str = ""

    @property
    def options(self):
        return [each for title, group in self.groups.items() if title != "Positionals" for each in group]


def read_option(line, texts):
    """`--transport WHICH:{tcp,ipc} ... Needs: --x`, as CLI11 writes it."""
    notes = [f"{key} {value}" for key, value in re.findall(r"(Excludes:|Needs:|REQUIRED)\s?((?:--[a-z-]+ ?)*)", line)]
    line = re.sub(r"\s(Excludes:|Needs:) .*|\sREQUIRED", "", line)
    choices = re.search(r":\{([^}]*)\}", line)
    title, _, value = line.replace("{false}", "").partition(" ")
    value = re.sub(r":(\{|[A-Z]).*", "", value)
    if "..." in line and "..." not in value:
        value += " ..."
    return Option(title.split(","), value.strip(), choices[1].split(",") if choices else [], " ".join(texts),
                  [note.strip().replace("REQUIRED", "required") for note in notes])


def read_help(text):
    result, title, entry = Help(), None, []
    lines = text.splitlines()
    result.summary = lines[0]

    def finish_entry():
        if entry:
            result.groups[title].append(read_option(entry[0], entry[1:]))
            entry.clear()

    for line in lines[1:]:
        if line.startswith("Usage: "):
            result.usage = line.removeprefix("Usage: ")
        elif line.startswith("Exit codes: "):
            result.exit_codes = line.removeprefix("Exit codes: ")
        elif re.fullmatch(r"[A-Z][A-Za-z ]*:", line):
            finish_entry()
            title = line[:-1]
            if title not in ("Examples", "Subcommands"):
                result.groups[title] = []
        elif title == "Examples" and line.strip():
            result.examples.append(line.strip())
        elif title == "Subcommands" and line.strip():
            name, sentence = line.split(None, 1)
            result.commands[name] = sentence
        elif line.startswith("   ") and entry:
            entry.append(line.strip())
        elif line.startswith("  ") and title:
            finish_entry()
            entry += re.split(r"\s{2,}", line.strip(), maxsplit=1)
    finish_entry()
    return result


def ask(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True).stdout


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\\&" + text if text.startswith(".") else text


def manual_page(name, version, about, others):
    lines = [f'.TH {name.upper()} 1 "" "galena {version}" "Galena"', ".SH NAME",
             roff(f"{name} - {about.summary.removeprefix('galena: ').rstrip('.')}"), ".SH SYNOPSIS", roff(about.usage)]
    if about.commands:
        lines.append(".SH COMMANDS")
        for command, sentence in about.commands.items():
            lines += [".TP", f"\\fBgalena {roff(command)}\\fR", roff(sentence)]
    for title, options in about.groups.items():
        lines.append(f".SH {roff({'Positionals': 'Arguments'}.get(title, title).upper())}")
        for option in options:
            lines += [".TP", f"\\fB{roff(', '.join(option.names))}\\fR" + (f" {roff(option.value)}" if option.value else "")]
            lines.append(roff(option.text + (f" ({'; '.join(option.notes)})" if option.notes else "")))
            if option.choices:
                lines += [".br", roff("One of " + ", ".join(option.choices) + ".")]
    lines += [".SH EXAMPLES", ".nf", *(roff(example) for example in about.examples), ".fi"]
    lines += [".SH EXIT STATUS", roff(about.exit_codes)]
    lines += [".SH SEE ALSO", roff(", ".join(other + "(1)" for other in others))]
    return "\n".join(lines) + "\n"


def words_of(about):
    return [name for option in about.options for name in option.names]


def bash_completion(top, commands):
    lines = ["# SPDX-License-Identifier: Apache-2.0", "_galena() {",
             '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}', "  COMPREPLY=()",
             "  if ((COMP_CWORD == 1)); then",
             f'    mapfile -t COMPREPLY < <(compgen -W "{" ".join([*top.commands, *words_of(top)])}" -- "$word")',
             "    return", "  fi", '  case ${COMP_WORDS[1]}:$before in']
    for command, about in commands.items():
        for option in about.options:
            if option.choices:
                for name in option.names:
                    lines.append(f'    {command}:{name}) mapfile -t COMPREPLY < <(compgen -W "{" ".join(option.choices)}"'
                                 ' -- "$word") && return ;;')
            elif option.value.startswith("FILE"):
                for name in option.names:
                    lines.append(f'    {command}:{name}) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;')
    lines += ["  esac", "  case ${COMP_WORDS[1]} in"]
    for command, about in commands.items():
        lines.append(f'    {command}) mapfile -t COMPREPLY < <(compgen -W "{" ".join(words_of(about))}" -- "$word") ;;')
    return "\n".join(lines + ["  esac", "}", "complete -F _galena galena"]) + "\n"


def zsh_quoted(text):
    return re.sub(r"([\[\]:\\])", r"\\\1", text).replace("'", "'\\''")


def zsh_option(option):
    value = ""
    if option.value:
        what = f"({' '.join(option.choices)})" if option.choices else "_files" if option.value.startswith("FILE") else ""
        value = f":{zsh_quoted(option.value.split()[0].partition('=')[0])}:{what}"
    many = "*" if "..." in option.value else ""
    return [f"'{many}{name}[{zsh_quoted(option.text)}]{value}'" for name in option.names]


def zsh_completion(top, commands):
    lines = ["#compdef galena", "# SPDX-License-Identifier: Apache-2.0", "_galena() {", "  local -a commands", "  commands=("]
    lines += [f"    '{command}:{zsh_quoted(sentence)}'" for command, sentence in top.commands.items()]
    lines += ["  )", "  if ((CURRENT == 2)); then", "    _describe command commands"]
    lines.append("    _arguments " + " ".join(each for option in top.options for each in zsh_option(option)))
    lines += ["    return", "  fi", "  local command=$words[2]", "  shift words", "  ((CURRENT--))", "  case $command in"]
    for command, about in commands.items():
        lines += [f"    {command})", "      _arguments \\"]
        lines += [f"        {each} \\" for option in about.options for each in zsh_option(option)]
        lines += ["        '*: :'", "      ;;"]
    return "\n".join(lines + ["  esac", "}", '_galena "$@"']) + "\n"


def fish_completion(top, commands):
    def quoted(text):
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"

    def entries(condition, options):
        for option in options:
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
            value = ""
            if option.choices:
                value = f" -x -a {quoted(' '.join(option.choices))}"
            elif option.value:
                value = " -r -F" if option.value.startswith("FILE") else " -x"
            yield f"complete -c galena -n {quoted(condition)} {names}{value} -d {quoted(option.text)}"

    lines = ["# SPDX-License-Identifier: Apache-2.0", "complete -c galena -f"]
    lines += [f"complete -c galena -n __fish_use_subcommand -a {command} -d {quoted(sentence)}"
              for command, sentence in top.commands.items()]
    lines += entries("__fish_use_subcommand", top.options)
    for command, about in commands.items():
        lines += entries(f"__fish_seen_subcommand_from {command}", about.options)
    return "\n".join(lines) + "\n"


def main():
    program, folder, expected = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    top = read_help(ask(program, "--help"))
    if set(top.commands) != {*expected, "bench"}:
        sys.exit(f"manual.py: --help lists {', '.join(top.commands)}; name these in apps/meson.build")
    commands = {command: read_help(ask(program, command, "--help")) for command in expected}
    version = ask(program, "--version").split()[1]
    pages = {"galena": top, **{f"galena-{command}": about for command, about in commands.items()}}
    for name, about in pages.items():
        others = [other for other in pages if other != name]
        (folder / f"{name}.1").write_text(manual_page(name, version, about, others), encoding="utf-8")
    for name, write in {"galena.bash": bash_completion, "_galena": zsh_completion, "galena.fish": fish_completion}.items():
        (folder / name).write_text(write(top, commands), encoding="utf-8")


main()
