"""Runs the emulator for as long as the process that started it lives: the end of our stdin is the end of us."""

import os
import runpy
import sys
import threading


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=_end_with_parent, daemon=True).start()
runpy.run_module("ministack", run_name="__main__")
