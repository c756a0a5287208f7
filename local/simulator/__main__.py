"""`python -m local.simulator --port 8100`: until Ctrl-C."""

import argparse
import contextlib
import logging
import signal
import threading
from decimal import Decimal
from pathlib import Path

from local.journal import Journal
from local.simulator.pictures import MAX_DETAIL
from local.simulator.server import Simulator


def main() -> None:
    parser = argparse.ArgumentParser(description="OpenRouter on this machine, with no account and no money.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--key", help="the secret of the first key")
    parser.add_argument("--balance", type=Decimal, default=Decimal(1000), help="dollars on the account")
    parser.add_argument("--state", type=Path, help="file in which it keeps its keys and charges")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    journal = Journal(options.state) if options.state else None
    with Simulator(
        options.port, key=options.key, balance=options.balance, detail=MAX_DETAIL, journal=journal
    ) as simulator:
        print(f"API:     {simulator.api}\nConsent: {simulator.auth}\nKey:     {simulator.key}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
