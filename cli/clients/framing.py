"""How the body of a streamed answer is cut into events, whatever the pieces in which it arrives."""

import codecs
import json
from typing import Any, Protocol

BETWEEN = " \t\r\n\0"
"""What stands between JSON documents that follow each other."""


class Framing(Protocol):
    """Cuts bytes into events."""

    def feed(self, data: bytes) -> list[Any]:  # Any: JSON
        """Return the events that are complete with `data`.

        Raises:
            ValueError: they are none.
        """
        ...

    def rest(self) -> str:
        """Return what is left of an event that is not complete."""
        ...


class ServerSentEvents:
    """Events of https://html.spec.whatwg.org/multipage/server-sent-events.html whose data are JSON, or `[DONE]`.

    These servers write the data of an event in one line, and so it ends there. Comments and other fields are passed
    over.
    """

    _FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Any]:  # Any: JSON
        """Return the events that are complete with `data`; `[DONE]` as None."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if any(line.strip() and not line.startswith(self._FIELDS) for line in lines):
            raise ValueError("no server-sent event")
        values = [line[len(b"data:") :].strip() for line in lines if line.startswith(b"data:")]
        return [None if value == b"[DONE]" else json.loads(value) for value in values if value]

    def rest(self) -> str:
        """Return the last line, if it does not end."""
        return self._rest.decode(errors="replace").strip()


class JsonDocuments:
    """JSON documents one after the other, with line breaks, NUL or nothing between them."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._scan = json.JSONDecoder().raw_decode
        self._rest = ""

    def feed(self, data: bytes) -> list[Any]:  # Any: JSON
        """Return the documents that are complete with `data`."""
        text = (self._rest + self._decode.decode(data)).lstrip(BETWEEN)
        events: list[Any] = []
        while text:
            try:
                event, end = self._scan(text)
            except ValueError:
                if text[0] not in "{[":  # it is no beginning of one, either
                    raise
                break
            events.append(event)
            text = text[end:].lstrip(BETWEEN)
        self._rest = text
        return events

    def rest(self) -> str:
        """Return the beginning of a document that does not end."""
        return self._rest


class PlainText:
    """Text as it comes."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")()

    def feed(self, data: bytes) -> list[Any]:  # Any: of the protocol; strings here
        """Return the text that is complete with `data`."""
        return [text] if (text := self._decode.decode(data)) else []

    def rest(self) -> str:
        """Return what is left of a character that is not complete."""
        return self._decode.getstate()[0].decode(errors="replace")
