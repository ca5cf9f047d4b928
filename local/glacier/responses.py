"""Glacier's HTTP: a request to an operation's input, its output to a response, all by botocore's model."""

from __future__ import annotations

import hashlib
import json
import random
import socket
from collections.abc import Callable, Mapping
from typing import Any

import botocore.model
import botocore.session
from botocore.exceptions import ConnectionClosedError
from botocore.validate import ParamValidator
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.core.responses import BaseResponse
from moto.core.routing import RestRouter
from moto.core.utils import get_service_model
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, NotFound

from local.glacier import ids
from local.glacier.errors import GlacierError, invalid, missing
from local.glacier.service import ConnectionLostError, GlacierService

_MODEL = botocore.session.get_session().get_service_model("glacier")
# moto's usual way to its router takes a form's content type, which is curl's default, for another protocol
_ROUTER = RestRouter(get_service_model("glacier"))
_WITH_PAYLOAD_HASH = ("UploadArchive", "UploadMultipartPart")
_request_ids = random.Random("x-amzn-RequestId")


class GlacierResponse(BaseResponse):
    """moto's part is the region and the account of a request, and its IAM check where that is switched on."""

    use_raw_body = True
    service: GlacierService

    def __init__(self) -> None:
        super().__init__(service_name="glacier")

    def _dispatch(self, request: Request, full_url: str | None = None, headers: Any = None) -> TYPE_RESPONSE:
        body = request.get_data()  # before moto might take a body without a content type for a form
        self.setup_class(request, full_url, headers)
        try:
            return self._answer(request, body)
        except GlacierError as error:
            return self._error(error)
        except ConnectionLostError:
            raise _closed(request) from None

    def _answer(self, request: Request, body: bytes) -> TYPE_RESPONSE:
        operation, labels = _route(request)
        self._authorize()
        _check_version(request.headers)
        if operation.name in _WITH_PAYLOAD_HASH:
            _check_payload_hash(request.headers, body)
        given = _read(operation, request, labels, body)
        answer = self.service.call(operation.name, self.current_account, self.region, given)
        return _write(operation, answer)

    def _authorize(self) -> None:
        try:
            self._authenticate_and_authorize_normal_action("*")
        except HTTPException as refusal:
            raise GlacierError("AccessDeniedException", str(refusal.description)) from None

    def _error(self, error: GlacierError) -> TYPE_RESPONSE:
        status = error.status
        if error.code == "InsufficientCapacityException":
            status = self.service.settings.insufficient_capacity_status
        return status, _headers("application/json"), json.dumps(error.body)


def _closed(request: Request) -> Exception:
    """What leaves the caller with a closed connection: in this process, or at the far end of werkzeug's server."""
    if not request.from_wsgi_server:
        return ConnectionClosedError(endpoint_url=request.raw_url)
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    if connection is not None:
        connection.shutdown(socket.SHUT_RDWR)
    return ConnectionResetError("the reply was lost on purpose")


def _route(request: Request) -> tuple[botocore.model.OperationModel, Mapping[str, str]]:
    try:
        operation, labels = _ROUTER.match(request)
    except NotFound:
        raise GlacierError("BadRequest", "The request cannot be processed") from None
    return _MODEL.operation_model(operation.name), labels


def _check_version(headers: Headers) -> None:
    version = headers.get("x-amz-glacier-version")
    if not version:
        raise missing("x-amz-glacier-version")
    if version != _MODEL.api_version:
        raise invalid(f"Invalid API version: {version}")


def _check_payload_hash(headers: Headers, body: bytes) -> None:
    claimed = headers.get("x-amz-content-sha256")
    if not claimed:
        raise missing("x-amz-content-sha256")
    if claimed != hashlib.sha256(body).hexdigest():
        raise invalid(f"The value of x-amz-content-sha256 does not match the payload: {claimed}")


def _read(
    operation: botocore.model.OperationModel, request: Request, labels: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """The operation's input. A member of a wrong type is refused as a body that can't be read."""
    shape = operation.input_shape
    if shape is None:
        return {}
    payload = shape.serialization.get("payload")
    places: dict[str | None, Callable[[str], Any]] = {
        "uri": labels.get,
        "querystring": request.args.get,
        "header": request.headers.get,
    }
    given: dict[str, Any] = {}
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        if place in places:
            given[name] = places[place](member.serialization.get("name", name))
    if payload is None:
        given |= _without_nulls(_json_object(body))
    elif shape.members[payload].type_name == "structure":
        given[payload] = _without_nulls(_json_object(body)) if body else None
    given = {name: value for name, value in given.items() if value is not None}
    if payload is not None and shape.members[payload].type_name == "blob":
        given[payload] = body
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        raise GlacierError("SerializationException", report.generate_report())
    return given


def _json_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        document = json.loads(body)
    except ValueError:
        raise GlacierError("SerializationException", "The body of the request is not valid JSON") from None
    if not isinstance(document, dict):
        raise GlacierError("SerializationException", "The body of the request is not a JSON object")
    return document


def _without_nulls(value: Any) -> Any:
    """A null member is as good as none."""
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_nulls(member) for member in value]
    return value


def _write(operation: botocore.model.OperationModel, answer: Mapping[str, Any]) -> TYPE_RESPONSE:
    shape = operation.output_shape
    status = answer.get("status") or int(operation.http.get("responseCode", 200))
    if shape is None:
        return status, _headers(None), ""
    headers, rest = {}, {}
    for name, value in answer.items():
        place = shape.members[name].serialization
        if place.get("location") == "header":
            if value is not None:
                headers[place["name"]] = value
        elif place.get("location") != "statusCode":
            rest[name] = value
    payload = shape.serialization.get("payload")
    if payload is not None and isinstance(rest[payload], bytes):
        return status, _headers(None) | headers | {"Content-Length": str(len(rest[payload]))}, rest[payload]
    body = rest[payload] if payload is not None else rest
    if not body:
        return status, _headers(None) | headers, ""
    return status, _headers("application/json") | headers, json.dumps(body)


def _headers(content_type: str | None) -> dict[str, str]:
    headers = {"x-amzn-RequestId": ids.new_id(_request_ids, ids.REQUEST_ID_LENGTH)}
    return headers | {"Content-Type": content_type} if content_type else headers
