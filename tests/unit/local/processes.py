"""Looking at processes from outside."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path


def lives(pid: int) -> bool:
    """Whether the process is there and is more than an entry that nobody has collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        state = stat.read_text().rpartition(")")[2].split()[0]
    else:
        shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
        state = shown.stdout.strip()
    return not state.startswith("Z")


def survivors(pids: Iterable[int], seconds: float = 30) -> list[int]:
    """Those that still live after so long."""
    deadline = time.monotonic() + seconds
    living = [pid for pid in pids if lives(pid)]
    while living and time.monotonic() < deadline:
        time.sleep(0.02)
        living = [pid for pid in living if lives(pid)]
    return living


def falls_to(limit: int, count: Callable[[], int], seconds: float = 30) -> bool:
    """Whether a count is at most `limit` within so long: what ends is collected soon after, not at once."""
    deadline = time.monotonic() + seconds
    while count() > limit:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def descendants(pid: int) -> list[int]:
    """The process's children, their children, and so on."""
    parents = _parents()
    found, new = [], [pid]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def _parents() -> dict[int, int]:
    if not Path("/proc/self/stat").exists():
        table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        return {int(line.split()[0]): int(line.split()[1]) for line in table.splitlines()}
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return parents
