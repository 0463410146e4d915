"""Recognise an exception that a signal handler of the program raised."""

from __future__ import annotations

import signal
from functools import partial
from typing import Any


def is_of_signal_handler(error: BaseException) -> bool:
    """
    Return whether *error* was raised by a signal handler that is installed now.

    Job runners stop a job so (``SoftTimeLimitExceeded`` of Celery, ``JobTimeoutException`` of RQ). The
    HTTP client did not raise it, so it is the program's to handle.
    """
    handlers = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()}
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in handlers:
            return True
        traceback = traceback.tb_next
    return False


def _code_of(handler: Any) -> Any:
    """Return the code of a function, a bound method, a partial or a callable object, else None."""
    while isinstance(handler, partial):
        handler = handler.func
    function = getattr(handler, "__func__", handler)
    if not hasattr(function, "__code__"):
        function = getattr(type(function), "__call__", None)  # noqa: B004 - its code is needed
    return getattr(function, "__code__", None)
