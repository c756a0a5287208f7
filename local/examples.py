"""`make example NAME=…`: runs the code blocks of a document, in order, as somebody does who pastes them.

    python -m local.examples [NAME]

Without a name it lists the documents. The blocks run in a folder below `.local/examples` that looks like this
repository, at the stack that `make up` runs. The tests run all documents in the same way, and compare what comes out.

What a block is, is told by what stands around it:

- `sh` and `python` are run, in one shell for a document, so that variables stay. A `text` or `json` block that follows
  at once is what comes out: `…` is anything, and of JSON other fields may be there, too.
- *Not run by the tests: why.* on the line above keeps a block from being run; *Tried by `tests/…`.* names what does so
  in its place.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import state

DOCUMENTS = {
    "readme": state.ROOT / "README.md",
    "security": state.ROOT / "SECURITY.md",
    "contributing": state.ROOT / "CONTRIBUTING.md",
    **{path.stem: path for path in sorted((state.ROOT / "docs").glob("*.md"))},
}
RUNNABLE = frozenset({"sh", "python"})
_FENCE = re.compile(r"```([\w-]*)")
_NOT_RUN = re.compile(r"\*Not run by the tests: (.+)\.\*")
_TRIED = re.compile(r"\*Tried by `(tests/[\w/.]+)`\.\*")
# The stack runs already, in the tests and for `make example`.
_START = re.compile(r"(?:[A-Z_]+=\S+ )*make up")
# Of the repository: copied where a command goes by where its file lies, linked where it only reads.
_COPIED = ("local", "Makefile", "pyproject.toml", "requirements.lock")
_LINKED = (".venv", "docs", "events", "functions", "layers", "cli", "tests", "template.yaml", "samconfig.toml")


@dataclass(frozen=True)
class Block:
    """Attributes:
    line: of its first line in the document, from 1.
    expected: the block that says what comes out.
    reason: why it is not run.
    tried_by: the test that tries it instead.
    """

    line: int
    language: str
    text: str
    expected: "Block | None" = None
    reason: str | None = None
    tried_by: str | None = None
    is_expected: bool = False

    @property
    def is_run(self) -> bool:
        return self.language in RUNNABLE and self.reason is None and self.tried_by is None and not self.is_of_tests

    @property
    def is_of_tests(self) -> bool:
        """Whether it only calls tests, which are run as such."""
        commands = [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]
        return all(" -m pytest " in command for command in commands)

    @property
    def script(self) -> str:
        """What is run of it: all but starting the stack."""
        return "\n".join(
            "" if _START.fullmatch(line.split("  #")[0].strip()) else line for line in self.text.splitlines()
        )


def blocks_of(document: str) -> list[Block]:
    """The blocks of a document's text, those of outputs included."""
    found: list[Block] = []
    lines = document.splitlines()
    index, last_end = 0, -1
    while index < len(lines):
        fence = _FENCE.fullmatch(lines[index].rstrip())
        if fence is None:
            index += 1
            continue
        end = next(at for at in range(index + 1, len(lines)) if lines[at].rstrip() == "```")
        above = [line for line in lines[last_end + 1 : index] if line.strip()]
        marker = above[-1].strip() if above else ""
        block = Block(
            line=index + 2,
            language=fence[1],
            text="\n".join(lines[index + 1 : end]),
            reason=_first(_NOT_RUN, marker),
            tried_by=_first(_TRIED, marker),
        )
        is_output = fence[1] in ("text", "json") and not above and found and found[-1].language in RUNNABLE
        if is_output and found[-1].expected is None:
            block = _with(block, is_expected=True)
            found[-1] = _with(found[-1], expected=block)
        found.append(block)
        index, last_end = end + 1, end
    return found


def _first(pattern: re.Pattern[str], line: str) -> str | None:
    match = pattern.fullmatch(line)
    return match[1] if match else None


def _with(block: Block, **changes: Any) -> Block:
    return Block(**{**vars(block), **changes})


@dataclass(frozen=True)
class Ran:
    """What came of a block. `status` is None if the one before it ended the shell."""

    block: Block
    status: int | None
    out: str
    err: str


@dataclass(frozen=True)
class Example:
    """A document's blocks, ready to be run.

    Args:
        folder: for what they make; see `prepare`.
        replaced: texts that are others here, such as a port.
    """

    blocks: Sequence[Block]
    folder: Path
    replaced: Mapping[str, str] = field(default_factory=dict)

    def run(self, *, timeout: float = 300.0) -> Iterator[Ran]:
        """Runs all of them; the first that fails ends the shell, as `set -e` does."""
        scripts = self.folder / ".blocks"
        scripts.mkdir()
        wanted = [block for block in self.blocks if block.is_run]
        lines = ["set -eo pipefail"]
        for number, block in enumerate(wanted):
            name = f".blocks/{number}"
            (self.folder / name).write_text(self._script(block), encoding="utf-8")
            call = f". ./{name}" if block.language == "sh" else f".venv/bin/python {name}"
            lines += [f"{call} >{name}.out 2>{name}.err", f"echo 0 >{name}.status"]
        (scripts / "all").write_text("\n".join(lines) + "\n", encoding="utf-8")
        status = self._in_shell(timeout)
        for number, block in enumerate(wanted):
            is_done = (scripts / f"{number}.status").exists()
            has_begun = (scripts / f"{number}.out").exists()
            ended = 0 if is_done else status if has_begun else None
            yield Ran(block, ended, _read(scripts / f"{number}.out"), _read(scripts / f"{number}.err"))

    def _in_shell(self, timeout: float) -> int:
        """The status of the shell. What blocks have started in the background ends with it."""
        environ = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPYCACHEPREFIX") if name in os.environ
        }
        environ |= {"XDG_STATE_HOME": str(self.folder / ".state"), "PYTHONUTF8": "1"}
        shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc", ".blocks/all"],
            cwd=self.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return shell.wait(timeout)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()

    def _script(self, block: Block) -> str:
        text = block.script
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        return text


def prepare(folder: Path, running: Mapping[str, Any]) -> None:
    """Makes the folder look like a checkout whose `make up` has written what is given."""
    for name in _COPIED:
        source = state.ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    # The environment is there, and nothing of an example may change it.
    (folder / "local" / "setup.sh").write_text("exit 0\n", encoding="utf-8")
    for name in _LINKED:
        (folder / name).symlink_to(state.ROOT / name)
    (folder / ".local").mkdir()
    state.write(folder / ".local", dict(running))


def differences(expected: Block, out: str) -> list[str]:
    """In what an output is not as its block says."""
    if expected.language == "json":
        try:
            found = json.loads(out)
        except ValueError:
            return ["it is not JSON"]
        return list(_json_differences(json.loads(expected.text), found, "$"))
    pattern = ".*".join(re.escape(part) for part in _words(expected.text).split("…"))
    return [] if re.fullmatch(pattern, _words(out), re.DOTALL) else ["the text is another"]


def _json_differences(expected: Any, found: Any, place: str) -> Iterator[str]:
    if isinstance(expected, str) and "…" in expected and isinstance(found, str):
        if not re.fullmatch(".*".join(map(re.escape, expected.split("…"))), found, re.DOTALL):
            yield f"{place} is {found[:200]!r}"
    elif expected == "…":
        return
    elif isinstance(expected, dict) and isinstance(found, dict):
        for name, value in expected.items():
            if name not in found:
                yield f"{place}.{name} is not there"
            else:
                yield from _json_differences(value, found[name], f"{place}.{name}")
    elif isinstance(expected, list) and isinstance(found, list):
        yield from _list_differences(expected, found, place)
    elif isinstance(expected, bool) is not isinstance(found, bool) or expected != found:
        yield f"{place} is {found!r}"


def _list_differences(expected: list[Any], found: list[Any], place: str) -> Iterator[str]:
    """With a "…" among them, the others are somewhere in the list; without, they are all of it, in order."""
    if "…" not in expected:
        if len(found) != len(expected):
            yield f"{place} has {len(found)} elements"
        for index, (one, other) in enumerate(zip(expected, found, strict=False)):
            yield from _json_differences(one, other, f"{place}[{index}]")
        return
    for each in expected:
        if each != "…" and not any(not list(_json_differences(each, other, place)) for other in found):
            yield f"{place} has no {json.dumps(each, ensure_ascii=False)}"


def _words(text: str) -> str:
    return " ".join(text.split())


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.examples", description="Runs a document's code blocks.")
    parser.add_argument("name", nargs="?", help="of the document: first-picture")
    name: str | None = parser.parse_args().name
    documents = {each: blocks_of(path.read_text(encoding="utf-8")) for each, path in DOCUMENTS.items()}
    runnable = {each: blocks for each, blocks in documents.items() if any(block.is_run for block in blocks)}
    if name not in runnable:
        print("Name one of these, such as make example NAME=first-picture:", *sorted(runnable), sep="\n  ")
        return 1 if name else 0
    try:
        running = state.read()
    except state.NotRunning as error:
        print(error, file=sys.stderr)
        return 1
    folder = state.STATE / "examples" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    prepare(folder, running)
    for ran in Example(runnable[name], folder).run():
        _show(ran, DOCUMENTS[name])
        if ran.status != 0:
            return 1
    print(f"\nWhat was made lies in {folder.relative_to(state.ROOT)}.")
    return 0


def _show(ran: Ran, document: Path) -> None:
    print(f"\n# {document.relative_to(state.ROOT)}:{ran.block.line}\n{ran.block.text}\n")
    if ran.status is None:
        print("(not reached)")
        return
    print(ran.out.rstrip() or "(no output)", ran.err.rstrip(), sep="\n" if ran.err else "")
    if ran.status != 0:
        print(f"(ended with {ran.status})")


if __name__ == "__main__":
    sys.exit(main())
