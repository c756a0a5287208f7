"""A function as Lambda scales it: a process per event being handled, kept for the next one."""

import json
import logging
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.function_host import MAX_PAYLOAD
from local.launch import Launch, spawned
from local.template import Function
from local.worker import Outcome, Worker

logger = logging.getLogger(__name__)


class EventTooLarge(Exception):
    """The event is more than Lambda takes."""


class Throttled(Exception):
    """No process became free in time."""


class FunctionPool:
    """Calls one function, from any number of threads.

    Args:
        function: what to run.
        environment: the variables of its processes, all of them.
        log_folder: gets `<logical id>.log`.
        cap: how many processes there may be at once.
        launch: starts a process.
    """

    def __init__(
        self,
        function: Function,
        environment: Mapping[str, str],
        log_folder: Path,
        cap: int = 4,
        launch: Launch = spawned,
    ) -> None:
        self.function = function
        self.cap = cap
        self.log = log_folder / f"{function.logical_id}.log"
        self._environment = dict(environment)
        self._launch = launch
        self._changed = threading.Condition()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._starting = 0
        self._is_closed = False
        log_folder.mkdir(parents=True, exist_ok=True)

    def call(self, event: Any, *, patience: float = 30.0) -> Outcome:
        """Runs the function on one event.

        Args:
            event: anything JSON can say.
            patience: seconds to wait for a process while all are busy.

        Raises:
            EventTooLarge: the event is more than 6 MB.
            Throttled: all processes stayed busy.
        """
        payload = json.dumps(event, ensure_ascii=False).encode()
        if len(payload) > MAX_PAYLOAD:
            raise EventTooLarge(f"{len(payload)} bytes")
        worker = self._acquire(patience)
        try:
            outcome = worker.call(payload)
        finally:
            if worker.goes_on:
                # It takes no other call until then, and the answer does not wait for it.
                threading.Thread(target=self._rest, args=(worker,), name="rest", daemon=True).start()
            else:
                self._release(worker)
        if outcome.is_error and not self._is_closed:
            logger.error("%s failed: %s (more in %s)", self.function.logical_id, outcome.summary, self.log)
        return outcome

    def warm_up(self) -> Outcome | None:
        """Has one process ready. An outcome says why the handler cannot be imported."""
        worker = self._acquire(patience=30.0)
        try:
            failure = worker.prepare()
        finally:
            self._release(worker)
        if failure is not None and not self._is_closed:
            logger.error("%s cannot start: %s (more in %s)", self.function.logical_id, failure.summary, self.log)
        return failure

    @property
    def processes(self) -> list[int]:
        """Ids of the living processes."""
        with self._changed:
            return sorted(worker.pid for worker in (*self._idle, *self._busy) if worker.is_alive)

    def end_idle(self, seconds: float) -> None:
        """Ends the processes that have had nothing to do for so long."""
        with self._changed:
            ended = [worker for worker in self._idle if worker.idle_seconds >= seconds]
            self._idle = [worker for worker in self._idle if worker not in ended]
        for worker in ended:
            worker.close()

    def close(self) -> None:
        """Kills every process; calls under way come back as errors."""
        with self._changed:
            self._is_closed = True
            idle, busy = list(self._idle), list(self._busy)
            self._idle.clear()
            self._changed.notify_all()
        for worker in idle:
            worker.close()
        # Whoever is waiting for them closes them.
        for worker in busy:
            worker.kill()

    def _acquire(self, patience: float) -> Worker:
        deadline = time.monotonic() + patience
        with self._changed:
            while True:
                if self._is_closed:
                    raise Throttled(f"{self.function.logical_id} is being stopped")
                worker = self._take_idle()
                if worker is not None:
                    return worker
                if len(self._busy) + self._starting < self.cap:
                    self._starting += 1
                    break
                if not self._changed.wait(deadline - time.monotonic()):
                    raise Throttled(f"All {self.cap} processes of {self.function.logical_id} stayed busy")
        return self._start()

    def _take_idle(self) -> Worker | None:
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                self._busy.add(worker)
                return worker
            worker.close()
        return None

    def _start(self) -> Worker:
        try:
            worker = Worker(self.function, self._environment, self.log, self._launch)
        except OSError:
            with self._changed:
                self._starting -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._starting -= 1
            self._busy.add(worker)
            if self._is_closed:
                worker.kill()
        return worker

    def _rest(self, worker: Worker) -> None:
        worker.come_to_rest()
        self._release(worker)

    def _release(self, worker: Worker) -> None:
        with self._changed:
            self._busy.discard(worker)
            keep = worker.is_alive and not self._is_closed
            if keep:
                self._idle.append(worker)
            self._changed.notify()
        if not keep:
            worker.close()
