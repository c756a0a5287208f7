"""`make reset`: forgets what `make up` has kept, after asking.

python -m local.reset [--yes] [--state FOLDER]
"""

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from local import state
from local.kept import AWS, forget, kept_in
from local.up import CannotStart, only_one


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.reset", description="Forgets what make up has kept.")
    parser.add_argument("--yes", action="store_true", help="without asking (make reset YES=1)")
    parser.add_argument("--state", type=Path, default=state.STATE, help="folder for logs, darkroom.json and state")
    options = parser.parse_args(arguments)
    folder = kept_in(options.state)
    if not folder.exists():
        print(f"Nothing is kept in {folder}.")
        return 0
    try:
        with only_one(options.state):
            if not options.yes and not _is_meant(folder):
                print("Nothing was changed.", file=sys.stderr)
                return 1
            forget(folder)
    except CannotStart as error:
        print(f"{error}\nStop it first; nothing was changed.", file=sys.stderr)
        return 1
    print("Forgotten. `make up` begins with nothing.")
    return 0


def _is_meant(folder: Path) -> bool:
    print(f"{folder} has")
    for each in sorted(path for path in folder.iterdir() if path.is_dir()):
        print(f"  {each.name}: {_told(each)}")
    print("All of it goes: jobs, pictures, conversations, tokens, keys, budgets and receipts.")
    if not sys.stdin.isatty():
        print("There is no terminal to ask at: `make reset YES=1` forgets without asking.", file=sys.stderr)
        return False
    try:
        return input("Forget it? [y/N] ").strip().lower() in ("y", "yes")
    except (EOFError, KeyboardInterrupt):
        print()
        return False


def _told(folder: Path) -> str:
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    rows = ""
    # What is damaged is forgotten, too.
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{folder / AWS}?mode=ro", uri=True)) as database:
        (count,) = database.execute("SELECT count(*) FROM entries WHERE kind = 'row'").fetchone()
        rows = f"{count} rows, "
    return f"{rows}{size / 1_000_000:.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
