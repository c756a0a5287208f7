"""Paid requests that were begun and whose pictures are not on this disk yet.

Each is a file, written before anything is sent: the same command, run again after Ctrl-C, a crash or a lost network,
sends the same request with the same Idempotency-Key and so gets the same job.
"""

import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from darkroom_cli.client import Client, write
from darkroom_cli.connection import Connection
from darkroom_cli.failures import Failure, JobFailed, Refused, Undecided, Unreachable

# Darkroom knows a key for 48 hours; a little less, for clocks differ.
_KEY_SECONDS = 47 * 3600


@dataclass(frozen=True)
class Begun:
    """Attributes:
    key: the Idempotency-Key.
    body: what is sent, with the ids of what was uploaded.
    job: known as soon as there was an answer.
    created: seconds since the epoch.
    """

    key: str
    route: str
    body: dict[str, Any]
    created: float
    job: str | None = None


def fingerprint(connection: Connection, *parts: Any) -> str:
    """The same for the same command of the same person at the same Darkroom."""
    who = hashlib.sha256(connection.token.encode()).hexdigest()
    text = json.dumps([connection.url, who, *parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Pending:
    """Args:
    folder: `pending` below the user's state folder.
    say: tells the person something.
    """

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._say = say
        self._clock = clock

    def carry_out(
        self,
        client: Client,
        name: str,
        route: str,
        make: Callable[[], Mapping[str, Any]],
        look: Callable[[Mapping[str, Any]], None],
    ) -> dict[str, Any]:
        """The job, succeeded. It stays pending until `forget`: until its pictures are on the disk.

        Args:
            name: its fingerprint.
            make: the request's body; called only if nothing of that name is pending.

        Raises:
            Failure: what was certainly over is not pending any more.
        """
        begun = self._find(name)
        if begun is None:
            begun = Begun(str(uuid.uuid4()), route, dict(make()), self._clock())
            self._keep(name, begun)
        else:
            self._say("This was begun before: going on with it, without paying again.")
        try:
            if begun.job is None:
                begun = Begun(**{**asdict(begun), "job": self._order(client, begun)})
                self._keep(name, begun)
            return client.wait(str(begun.job), look)
        except JobFailed:
            self.forget(name)
            raise
        except Refused as refused:
            if refused.is_free or (begun.job is not None and refused.status == 404):
                self.forget(name)
                raise
            raise _undecided(refused) from refused
        except Unreachable as lost:
            raise _undecided(lost) from lost

    def forget(self, name: str) -> None:
        (self._folder / f"{name}.json").unlink(missing_ok=True)

    def _order(self, client: Client, begun: Begun) -> str:
        """The job's id."""
        headers = {"Idempotency-Key": begun.key, "Prefer": "respond-async"}
        try:
            answer = client.call("POST", begun.route, json=begun.body, headers=headers, repeatable=True)
        except Refused as refused:
            job = refused.problem.get("job")
            if isinstance(job, dict) and job.get("id"):
                # An answer that could not be given, or a job that is over: the job itself tells more.
                return str(job["id"])
            raise
        found = client.object_of(answer)
        job = found["job"] if isinstance(found.get("job"), dict) else found
        return str(job["id"])

    def _find(self, name: str) -> Begun | None:
        path = self._folder / f"{name}.json"
        try:
            begun = Begun(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError):
            self._say(
                f"{path} cannot be read, so this is taken for a new request. `darkroom spend` tells what was paid."
            )
            return None
        if begun.job is None and self._clock() - begun.created > _KEY_SECONDS:
            self._say(
                "This was begun two days ago or more, and is a new request now. `darkroom spend` tells what was paid."
            )
            return None
        return begun

    def _keep(self, name: str, begun: Begun) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{name}.json"
        write(path, json.dumps(asdict(begun)).encode())
        # It holds a prompt.
        path.chmod(0o600)


def state_folder(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_STATE_HOME") or os.path.join(environ.get("HOME") or "~", ".local", "state")  # noqa: PTH118
    return Path(base).expanduser() / "darkroom" / "pending"


def _undecided(failure: Failure) -> Undecided:
    return Undecided(
        f"{failure} It is not known whether it was begun. Run the same command again: nothing is paid twice."
    )
