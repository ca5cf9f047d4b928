"""The other end of a client's connection: what was sent, and the replies that were laid out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSResponse


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


@dataclass
class Wire:
    """Stands in for HTTP behind one client: each request takes the next reply, or raises it."""

    replies: list[AWSResponse | Exception] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)

    def behind(self, client: Any) -> "Wire":
        client.meta.events.register("before-send", self._take)
        return self

    def _take(self, request: Any, **_: Any) -> AWSResponse:
        self.sent.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def body(self, nth: int = -1) -> dict[str, Any]:
        """The JSON that was sent."""
        loaded: dict[str, Any] = json.loads(self.sent[nth].body)
        return loaded

    def path(self, nth: int = -1) -> str:
        return str(urlsplit(self.sent[nth].url).path)

    def query(self, nth: int = -1) -> dict[str, str]:
        asked = parse_qs(urlsplit(self.sent[nth].url).query, keep_blank_values=True)
        return {name: values[0] for name, values in asked.items()}


def reply(body: object = "", status: int = 200, headers: Mapping[str, str] | None = None) -> AWSResponse:
    """A reply of Glacier's; a string as body is sent as it is."""
    text = body if isinstance(body, str) else json.dumps(body)
    sent: Any = {"Content-Type": "application/json", **(headers or {})}
    return AWSResponse("https://glacier.us-east-1.amazonaws.com", status, sent, _Raw(text.encode()))


def error(code: str, status: int = 400, message: str = "told by Glacier") -> AWSResponse:
    """An error as Glacier sends it."""
    return reply({"code": code, "message": message, "type": "Client"}, status)
