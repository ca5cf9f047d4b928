"""`make up`: everything over HTTP, on a real clock."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.happenings import Happening, line
from local.up import commands, fill, main
from tests.serving import serving

REGION = "us-east-1"


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def url(lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server in this process, whose functions run in a thread as they do in the main one.

    It was started by someone who is a client of another: that one is not asked for anything.
    """
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with serving(tell=lambda happening: _keep(lines, happening)) as served:
        yield served.url


def _keep(lines: list[str], happening: Happening) -> None:
    text = line(happening)
    if text is not None:
        lines.append(text)


def client(service: str, url: str) -> Any:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=30)
    session = boto3.Session("key", "secret", region_name=REGION)
    return session.client(service, endpoint_url=url, config=config)  # type: ignore[call-overload]


def test_an_archive_comes_back_over_http(url: str, lines: list[str]) -> None:
    sqs, events, vaults = (client(service, url) for service in ("sqs", "events", "glacier"))
    stacks = client("cloudformation", url).describe_stacks(StackName="Thaw")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
    queue_arn = f"arn:aws:sqs:{REGION}:123456789012:mine"
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn}
    policy = json.dumps({"Statement": [{**statement, "Principal": {"Service": "events.amazonaws.com"}}]})
    mine = sqs.create_queue(QueueName="mine", Attributes={"Policy": policy})["QueueUrl"]
    bus = outputs["EventBusName"]
    events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps({"detail-type": ["Retrieval Succeeded"]}))
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "1", "Arn": queue_arn}])

    content = bytes(range(256)) * 5000
    vaults.create_vault(accountId="-", vaultName="photos")
    archive_id = vaults.upload_archive(accountId="-", vaultName="photos", body=content)["archiveId"]
    job = {"Type": "archive-retrieval", "ArchiveId": archive_id}
    request = {"requestId": "first", "accountId": "-", "vaultName": "photos", "jobParameters": job}
    sqs.send_message(QueueUrl=outputs["RequestQueueUrl"], MessageBody=json.dumps(request))

    [message] = sqs.receive_message(QueueUrl=mine, WaitTimeSeconds=20)["Messages"]
    detail = json.loads(message["Body"])["detail"]
    assert detail["requestId"] == "first"
    output = vaults.get_job_output(accountId="-", vaultName="photos", jobId=detail["jobId"])
    assert output["body"].read() == content
    told = "\n".join(lines)
    for text in ("CreateVault photos: done", "Thaw-requests: ", "InitiateJob photos", "Retrieval Succeeded: requestId"):
        assert text in told


def test_the_commands_that_it_prints_bring_the_same_bytes_back(url: str, tmp_path: Path) -> None:
    stacks = client("cloudformation", url).describe_stacks(StackName="Thaw")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stacks[0]["Outputs"]}
    (tmp_path / "README.md").write_text("what is uploaded")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(outputs, url)],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "the same bytes"), done.stderr
    assert "Retrieval Succeeded" in done.stderr


def test_a_vault_can_be_filled_to_begin_with() -> None:
    with serving() as served:
        with served.clock.visit():
            fill(served.cloud, 300)
        vaults = client("glacier", served.url)
        listed = vaults.list_vaults(accountId="-")["VaultList"]
        assert [(vault["VaultName"], vault["NumberOfArchives"]) for vault in listed] == [("attic", 300)]
        assert 300 * 10_000 < listed[0]["SizeInBytes"] < 300 * 10**8


def test_what_is_not_there_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(ClientError, match=r"NotImplemented.*Not on this machine: The cancel_update_stack action"):
        client("cloudformation", url).cancel_update_stack(StackName="Thaw")
    with pytest.raises(ClientError, match=r"NotImplemented.*Not on this machine: The list_contributor_insights action"):
        client("dynamodb", url).list_contributor_insights()


def test_a_function_can_be_invoked_over_http(url: str) -> None:
    functions = client("lambda", url)
    names = [each["FunctionName"] for each in functions.list_functions()["Functions"]]
    (publish,) = (name for name in names if name.startswith("Thaw-Publishing"))
    reply = functions.invoke(FunctionName=publish, Payload=b'{"Records": []}')
    assert json.loads(reply["Payload"].read()) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("cdk_json", "sentence"),
    [
        ('{"context": {"thaw": {"maxUnits": 3}}}', "maxUnits: 3 is wrong; right is 0, 1 or 2"),
        ('{"context": ', "cdk.json is not JSON"),
    ],
)
def test_wrong_settings_end_it_with_a_sentence(
    cdk_json: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cdk.json"
    path.write_text(cdk_json)
    monkeypatch.setattr("infra.cdk_json.PATH", path)
    monkeypatch.setattr("sys.argv", ["up", "--port", "0"])
    with pytest.raises(SystemExit) as end:
        main()
    assert sentence in str(end.value.code)
    assert "Traceback" not in str(end.value.code)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "99999"], "99999 is wrong; right is a number from 0 to 65535"),
        (["--port", "http"], "http is wrong; right is a number from 0 to 65535"),
        (["--speed", "0"], "0 is wrong; right is a number, 0.01 or more"),
        (["--archives", "-1"], "-1 is wrong; right is a number, 0 or more"),
    ],
)
def test_what_is_out_of_range_is_told_before_anything_is_deployed(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["up", *arguments])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr()
    assert sentence in said.err
    assert "Deploying" not in said.out


def test_a_port_in_use_is_told_before_anything_is_deployed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["up", "--port", str(port)])
        with pytest.raises(SystemExit) as end:
            main()
    assert f"Port {port} is in use by another program. Another port: make up PORT=" in str(end.value.code)
    assert "Deploying" not in capsys.readouterr().out
