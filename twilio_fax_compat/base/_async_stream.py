"""An asynchronous iterator over the records of a list."""

from __future__ import annotations

from typing import Any, AsyncIterator, Awaitable, Callable, Generator


class AsyncStream:
    """
    The records of a list, for ``async for``.

    Awaiting it reads the first page, as the sync twin does at once, and returns an iterator. twilio 9 has
    to be awaited; iterating without that reads the first page at the first record.
    """

    def __init__(self, begin: Callable[[], Awaitable[AsyncIterator[Any]]]) -> None:
        """Take the function that reads the first page, and returns an iterator of the records."""
        self._begin = begin
        self._records: AsyncIterator[Any] | None = None

    def __await__(self) -> Generator[Any, None, AsyncStream]:
        return self._begun().__await__()

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> Any:
        await self._begun()
        assert self._records is not None
        return await self._records.__anext__()

    async def aclose(self) -> None:
        """Read no more."""
        close = getattr(self._records, "aclose", None)
        if close is not None:
            await close()

    async def _begun(self) -> AsyncStream:
        if self._records is None:
            self._records = await self._begin()
        return self
