"""
What can go wrong on a plain connection. The names, and what they mean, are those of httpx's exceptions.

See https://www.python-httpx.org/exceptions/. They are here because a process whose first fax goes well
does not need to import httpx.
"""

from __future__ import annotations


class ConnectionProblem(Exception):
    """The base class of the errors of a plain connection."""


class ConnectError(ConnectionProblem):
    """No connection came about."""


class ConnectTimeout(ConnectionProblem):
    """No connection came about in time."""


class WriteTimeout(ConnectionProblem):
    """The request was not written in time. Parts of it may have arrived."""


class ReadError(ConnectionProblem):
    """The response could not be read."""


class ReadTimeout(ConnectionProblem):
    """The response did not come in time."""


class LocalProtocolError(ConnectionProblem):
    """The request is not one of HTTP, so nothing of it was written."""


class RemoteProtocolError(ConnectionProblem):
    """The response is not one of HTTP, or ends too early."""
