"""Connections that are closed if a request does not arrive."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# Maximum time for the head of a request to arrive, in seconds.
HEAD_SECONDS = 30.0


class PatientProtocol(H11Protocol):
    """HTTP with a deadline for the head of a request. Uvicorn would wait forever for the rest of it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """See `H11Protocol`."""
        super().__init__(*arguments, **options)
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Starts the deadline of the first request."""
        super().connection_made(transport)
        self._watch(True)

    def data_received(self, data: bytes) -> None:
        """Starts the deadline with the first part of a head, and ends it with the last part."""
        super().data_received(data)
        self._watch(self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the deadline."""
        self._watch(False)
        super().connection_lost(exc)

    def _watch(self, waiting: bool) -> None:
        if not waiting and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if waiting and self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.close)
