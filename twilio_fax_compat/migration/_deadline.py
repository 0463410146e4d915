"""Call code that may hang, with a deadline."""

from __future__ import annotations

import os
from collections import deque
from contextvars import copy_context
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, Callable, TypeVar

from attrs import define, field

T = TypeVar("T")


@define(eq=False)
class Job:
    """A call, and its result once *done* is set."""

    call: Callable[[], Any]
    result: Any = None
    error: BaseException | None = None
    done: Event = field(factory=Event)

    def run(self) -> None:
        """Make the call."""
        try:
            self.result = self.call()
        except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
            self.error = error


@define(eq=False)
class _Generation:
    pid: int = field(factory=os.getpid)
    idle: deque[SimpleQueue[Job]] = field(factory=deque)
    hanging: Job | None = None


@define(eq=False)
class Workers:
    """
    Daemon threads that make one call each at a time; there are as many as concurrent calls.

    No method waits for a lock, because a fork could leave it locked. The child of a fork starts
    without threads.
    """

    _now: _Generation = field(factory=_Generation, init=False)

    def run(self, call: Callable[[], T], deadline: float) -> T:
        """
        Return what *call* returns, made with the caller's context variables.

        Raises TimeoutError after *deadline* seconds, and at once while an earlier call that took too
        long still runs. Raises what *call* raises.
        """
        own = self._own()
        if own.hanging is not None and not own.hanging.done.is_set():
            raise TimeoutError("the earlier call has not returned yet")
        context = copy_context()
        job: Job = Job(lambda: context.run(call))
        _start(job, own.idle)
        if not job.done.wait(deadline):
            own.hanging = job
            raise TimeoutError("no answer in {:g} seconds".format(deadline))
        if isinstance(job.error, Exception):
            raise job.error
        if job.error is not None:
            raise RuntimeError(type(job.error).__name__)
        result: T = job.result
        return result

    def _own(self) -> _Generation:
        if self._now.pid != os.getpid():
            self._now = _Generation()
        return self._now


def _start(job: Job, idle: deque[SimpleQueue[Job]]) -> None:
    try:
        idle.pop().put(job)
    except IndexError:
        jobs: SimpleQueue[Job] = SimpleQueue()
        jobs.put(job)
        Thread(target=_work, args=(jobs, idle), name="twilio_fax_compat flag", daemon=True).start()


def _work(jobs: SimpleQueue[Job], idle: deque[SimpleQueue[Job]]) -> None:
    while True:
        job = jobs.get()
        job.run()
        idle.append(jobs)
        job.done.set()
        # An idle worker must not keep the job's objects alive.
        del job
