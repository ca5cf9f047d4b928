"""What is on the wire, past what boto3 makes of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ConnectionClosedError
from moto.server import ThreadedMotoServer

from local.glacier import GlacierService, Settings, install
from local.glacier.tree_hash import tree_hash

from .conftest import VAULT, client_of

_VERSION = {"x-amz-glacier-version": "2012-06-01"}
_SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260301/us-east-1/glacier/aws4_request, "
    "SignedHeaders=host, Signature=0"
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    install(Settings())
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def service(server: str) -> GlacierService:
    service = install(Settings(inventories="always"))
    client_of(endpoint_url=server).create_vault(vaultName=VAULT)
    return service


def _send(server: str, method: str, path: str, **more: Any) -> requests.Response:
    headers = _SIGNED | _VERSION | more.pop("headers", {})
    present = {name: value for name, value in headers.items() if value is not None}
    return requests.request(method, f"{server}{path}", headers=present, timeout=10, **more)


def _uploaded(server: str, data: bytes) -> str:
    response = _send(
        server,
        "POST",
        f"/-/vaults/{VAULT}/archives",
        data=data,
        headers={
            "x-amz-sha256-tree-hash": tree_hash(data),
            "x-amz-content-sha256": hashlib.sha256(data).hexdigest(),
            "Content-Type": "application/x-www-form-urlencoded",  # as curl has it
        },
    )
    assert response.status_code == 201, response.text
    return response.headers["x-amz-archive-id"]


def _job(server: str, **parameters: Any) -> str:
    response = _send(server, "POST", f"/-/vaults/{VAULT}/jobs", json=parameters)
    assert response.status_code == 202, response.text
    job_id = response.headers["x-amz-job-id"]
    assert response.headers["Location"] == f"/123456789012/vaults/{VAULT}/jobs/{job_id}"
    assert response.headers["x-amzn-RequestId"]
    assert response.content == b""
    return job_id


def test_nulls_are_on_the_wire(server: str, service: GlacierService) -> None:
    job_id = _job(server, Type="archive-retrieval", ArchiveId=_uploaded(server, b"a=b&c=d"), Tier=None)
    described = _send(server, "GET", f"/-/vaults/{VAULT}/jobs/{job_id}").json()
    nulls = {name for name, value in described.items() if value is None}
    assert nulls == {
        "CompletionDate",
        "InventoryRetrievalParameters",
        "InventorySizeInBytes",
        "JobDescription",
        "SHA256TreeHash",
        "SNSTopic",
    }
    listed = _send(server, "GET", f"/-/vaults/{VAULT}/jobs?limit=5").json()
    assert listed == {"JobList": [described], "Marker": None}


def test_the_headers_of_an_output(server: str, service: GlacierService) -> None:
    data = bytes(range(256)) * 8192  # 2 MiB
    job_id = _job(server, Type="archive-retrieval", ArchiveId=_uploaded(server, data))
    service.advance(service.next_event_at())
    path = f"/-/vaults/{VAULT}/jobs/{job_id}/output"
    whole = _send(server, "GET", path)
    assert (whole.status_code, whole.content) == (200, data)
    assert whole.headers["x-amz-sha256-tree-hash"] == tree_hash(data)
    assert whole.headers["Content-Type"] == "application/octet-stream"
    assert "Content-Range" not in whole.headers
    part = _send(server, "GET", path, headers={"Range": "bytes=1048576-2097151"})
    assert (part.status_code, part.content) == (206, data[2**20 :])
    assert part.headers["Content-Range"] == "bytes 1048576-2097151/2097152"
    assert part.headers["x-amz-sha256-tree-hash"] == tree_hash(data[2**20 :])
    odd = _send(server, "GET", path, headers={"Range": "bytes=5-9"})
    assert "x-amz-sha256-tree-hash" not in odd.headers


def test_errors_are_code_message_and_type(server: str, service: GlacierService) -> None:
    gone = _send(server, "GET", f"/-/vaults/{VAULT}/jobs/none")
    assert gone.status_code == 404
    assert gone.headers["Content-Type"] == "application/json"
    assert gone.headers["x-amzn-RequestId"]
    message = "The job ID was not found: none"
    assert gone.json() == {"code": "ResourceNotFoundException", "message": message, "type": "Client"}
    no_vault = _send(server, "GET", "/-/vaults/other").json()
    arn = "arn:aws:glacier:us-east-1:123456789012:vaults/other"
    assert no_vault["message"] == f"Vault not found for ARN: {arn}"
    service.faults.fail("ListVaults", "ServiceUnavailableException")
    down = _send(server, "GET", "/-/vaults")
    assert (down.status_code, down.json()["type"]) == (500, "Server")


@pytest.mark.parametrize(
    ("method", "path", "more", "code"),
    [
        ("GET", "/-/vaults", {"headers": {"x-amz-glacier-version": None}}, "MissingParameterValueException"),
        (
            "GET",
            "/-/vaults",
            {"headers": {"x-amz-glacier-version": "2011-01-01"}},
            "InvalidParameterValueException",
        ),
        ("PATCH", "/-/vaults", {}, "BadRequest"),
        ("POST", "/-/vaults/photos/jobs", {"data": "{"}, "SerializationException"),
        ("POST", "/-/vaults/photos/jobs", {"data": "[]"}, "SerializationException"),
        ("POST", "/-/vaults/photos/jobs", {"json": {"Type": 5}}, "SerializationException"),
        ("POST", "/-/vaults/photos/jobs", {"json": {"Typ": "x"}}, "SerializationException"),
        ("POST", "/-/vaults/photos/jobs", {"json": {"Tier": "Bulk"}}, "MissingParameterValueException"),
        ("POST", "/-/vaults/photos/jobs", {}, "MissingParameterValueException"),
        ("POST", "/-/vaults/photos/archives", {"data": b"x"}, "MissingParameterValueException"),
        (
            "POST",
            "/-/vaults/photos/archives",
            {"data": b"x", "headers": {"x-amz-content-sha256": "0" * 64}},
            "InvalidParameterValueException",
        ),
        (
            "POST",
            "/-/vaults/photos/archives",
            {"data": b"x", "headers": {"x-amz-content-sha256": hashlib.sha256(b"x").hexdigest()}},
            "MissingParameterValueException",
        ),
        ("POST", "/-/vaults/photos/multipart-uploads", {}, "MissingParameterValueException"),
        (
            "PUT",
            "/-/vaults/photos/notification-configuration",
            {"json": {"SNSTopic": "arn:aws:sns:us-east-1:123456789012:t"}},
            "MissingParameterValueException",
        ),
        (
            "PUT",
            "/-/vaults/photos/notification-configuration",
            {"json": {"SNSTopic": "arn:aws:sns:us-east-1:123456789012:t", "Events": ["Other"]}},
            "InvalidParameterValueException",
        ),
        ("GET", "/1234bcd/vaults", {}, "InvalidParameterValueException"),
        ("GET", "/111122223333/vaults", {}, "AccessDeniedException"),
    ],
)
def test_a_caller_without_botocore_is_checked_too(
    server: str, service: GlacierService, method: str, path: str, more: dict[str, Any], code: str
) -> None:
    response = _send(server, method, path, **json.loads(json.dumps(more)) if "json" in more else more)
    assert response.json()["code"] == code


def test_a_lost_reply_closes_the_connection(server: str, service: GlacierService) -> None:
    service.faults.lose_reply("PurchaseProvisionedCapacity")
    client = client_of(endpoint_url=server)
    with pytest.raises(ConnectionClosedError):
        client.purchase_provisioned_capacity()
    assert len(client.list_provisioned_capacity()["ProvisionedCapacityList"]) == 1


def test_the_aws_command_line(server: str, service: GlacierService, tmp_path: Path) -> None:
    def aws(*words: str) -> dict[str, Any]:
        command = [str(Path(sys.executable).with_name("aws")), "--endpoint-url", server, "glacier", *words]
        environment = {
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "PATH": "/usr/bin:/bin",
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        answer: dict[str, Any] = json.loads(done.stdout or "{}")
        return answer

    (tmp_path / "picture").write_bytes(b"p" * 3_000_000)
    here = ("--account-id", "-", "--vault-name", VAULT)
    uploaded = aws("upload-archive", *here, "--body", str(tmp_path / "picture"))
    assert uploaded["checksum"] == tree_hash(b"p" * 3_000_000)
    parameters = {"Type": "archive-retrieval", "ArchiveId": uploaded["archiveId"]}
    job = aws("initiate-job", *here, "--job-parameters", json.dumps(parameters))
    service.advance(service.next_event_at())
    aws("get-job-output", *here, "--job-id", job["jobId"], str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == b"p" * 3_000_000
