"""The function of the live door in one process, as a server. A script, started by `local/live.py`.

    python -I -u live_host.py LISTENER LINK RIGHTS

LISTENER is the socket that is listened on. LINK closes when the parent ends, and with it this process. RIGHTS is what
the function's role may do, see `local.iam.enforcement`; where it is empty all is allowed. The working directory holds
the module `app`.
"""

import importlib
import os
import socket
import sys
import threading
from pathlib import Path

import uvicorn


def _end_with(link: socket.socket) -> None:
    link.recv(1)
    os._exit(0)


def main(listener: int, link: int, rights: str) -> None:
    threading.Thread(target=_end_with, args=(socket.socket(fileno=link),), daemon=True).start()
    if rights:
        # Not for the function to import: some modules there have names of the standard library's.
        root = str(Path(__file__).resolve().parent.parent)
        sys.path.insert(0, root)
        importlib.import_module("local.iam.enforcement").Enforcement(rights).install()
        sys.path.remove(root)
    sys.path.insert(0, str(Path.cwd()))
    config = uvicorn.Config(
        importlib.import_module("app").application,
        factory=True,
        access_log=False,
        server_header=False,
        lifespan="off",
        # As in Lambda, by run.sh.
        http="httptools",
        loop="asyncio",
        log_level="warning",
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run([socket.socket(fileno=listener)])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
