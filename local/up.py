"""`python -m local.up`: AWS with Thaw deployed on one loopback port, until Ctrl-C, for the aws command line and boto3.

Time is real; only Glacier's jobs are sooner, and its inventories always current. All state is in memory.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from textwrap import indent
from typing import Any
from xml.sax.saxutils import escape

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from local import glacier
from local.arguments import a_number
from local.assembly import SynthesisError
from local.clock import RealClock
from local.cloud import Cloud
from local.deploy import ACCOUNT_ID, REGION
from local.happenings import Happening, line

_HOST = "127.0.0.1"
_EVENTS = "thaw-events"
"""What the commands call their queue and their rule."""
FILLED_VAULT = "attic"
_FIRST_CREATED = datetime(2017, 1, 1, tzinfo=UTC)


class _Handler(MotoRequestHandler):
    """Without a line for each request; and errors of the connection are the client's."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Server:
    """moto's HTTP server in front of a cloud; one request at a time, and none while a function runs."""

    def __init__(self, clock: RealClock, port: int) -> None:
        self._clock = clock
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._http: BaseWSGIServer = make_server(_HOST, port, self._answer, threaded=True, request_handler=_Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self.url = f"http://{_HOST}:{self._http.server_port}"

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        application = self._moto.get_application(environ)
        try:
            with self._clock.visit():
                return list(application(environ, start_response))
        except NotImplementedError as error:
            return _not_there(environ, start_response, str(error))

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()


def _not_there(environ: dict[str, Any], start_response: Callable[..., Any], what: str) -> Iterable[bytes]:
    """An answer that says so, in XML for the services that speak it, else in JSON."""
    code, message = "NotImplemented", f"Not on this machine: {what}"
    _print(f"{'refused':<10}{message}")
    if "x-www-form-urlencoded" in environ.get("CONTENT_TYPE", ""):
        kind, error = "text/xml", f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        body = f"<ErrorResponse>{error}</ErrorResponse>"
    else:
        kind, body = "application/json", json.dumps({"__type": code, "message": message})
    start_response("501 Not Implemented", [("Content-Type", kind), ("x-amzn-ErrorType", code)])
    return [body.encode()]


def run(port: int, speed: float, archives: int = 0) -> None:
    """Serves until interrupted.

    Args:
        port: 0 takes a free one.
        speed: how many times sooner than Glacier's its jobs end.
        archives: so many are in a vault from the beginning.
    """
    clock = RealClock()
    settings = glacier.Settings(speed=speed, inventories="always", seed=time.time_ns())
    print("Deploying Thaw …", flush=True)
    with Cloud(clock=clock, glacier_settings=settings) as cloud, Server(clock, port) as server:
        with clock.visit():
            fill(cloud, archives)
        cloud.tell = _say
        print(_welcome(cloud, server.url, speed), flush=True)
        try:
            clock.run()
        except KeyboardInterrupt:
            print("\nDown.")


def fill(cloud: Cloud, archives: int) -> None:
    """Puts archives of 10 KB to 100 MB, of some years, into a vault that is made for them; always the same ones."""
    if not archives:
        return
    glacier_here, chance = cloud.glacier, random.Random(1)
    glacier_here.call("CreateVault", ACCOUNT_ID, REGION, {"accountId": "-", "vaultName": FILLED_VAULT})
    for number in range(archives):
        created_at = _FIRST_CREATED + timedelta(hours=24 * 365 * 4 * number / archives)
        glacier_here.put_synthetic_archive(
            FILLED_VAULT,
            int(10 ** chance.uniform(4, 8)),
            number,
            f"scans/{created_at:%Y}/{number + 1:06}.tif",
            created_at=created_at,
        )


def _say(happening: Happening) -> None:
    text = line(happening)
    if text is not None:
        _print(text)


def _print(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def _welcome(cloud: Cloud, url: str, speed: float) -> str:
    width = max(map(len, cloud.outputs))
    outputs = "\n".join(f"  {name:<{width}}  {value}" for name, value in cloud.outputs.items())
    return f"""
Thaw is up on {url}; Glacier's jobs end {speed:g} times sooner. Ctrl-C ends it, and all that is in it.

{outputs}

Commands to copy, into another terminal in this folder:

{indent(commands(cloud.outputs, url), "  ")}"""


def commands(outputs: Mapping[str, str], url: str) -> str:
    """From an upload to the same bytes again, to be pasted into a shell in Thaw's folder; more than once, too."""
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{_EVENTS}"
    statement = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Statement": [{**statement, "Resource": queue_arn}]})
    bus = f"--event-bus-name {outputs['EventBusName']}"
    return f"""\
export PATH="$PWD/.venv/bin:$PATH" AWS_ENDPOINT_URL={url}
export AWS_DEFAULT_REGION={REGION} AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x
aws() {{ command aws --endpoint-url $AWS_ENDPOINT_URL "$@"; }}
REQUESTS={outputs["RequestQueueUrl"]}

EVENTS=$(aws sqs create-queue --queue-name {_EVENTS} --query QueueUrl --output text \\
  --attributes '{json.dumps({"Policy": policy})}')
aws events put-rule {bus} --name {_EVENTS} --event-pattern '{{"source": ["thaw"]}}'
aws events put-targets {bus} --rule {_EVENTS} --targets Id=queue,Arn={queue_arn}

aws glacier create-vault --account-id - --vault-name photos
ARCHIVE=$(aws glacier upload-archive --account-id - --vault-name photos --body README.md \\
  --query archiveId --output text)
REQUEST=try-$(date +%s)
aws sqs send-message --queue-url $REQUESTS --message-body '{{"requestId": "'$REQUEST'", "vaultName": "photos",
  "jobParameters": {{"Type": "archive-retrieval", "ArchiveId": "'$ARCHIVE'"}}}}'

until aws sqs receive-message --queue-url $EVENTS --wait-time-seconds 20 --max-number-of-messages 10 \\
  --query 'Messages[].Body' --output text | tr '\\t' '\\n' | tee /dev/stderr \\
  | grep -q "Retrieval Succeeded.*$REQUEST"; do :; done

JOB=$(aws glacier list-jobs --account-id - --vault-name photos --query 'JobList[-1].JobId' --output text)
aws glacier get-job-output --account-id - --vault-name photos --job-id $JOB output.bin
cmp README.md output.bin && echo the same bytes
"""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return port == 0 or probe.connect_ex((_HOST, port)) != 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--port", type=a_number(int, 0, 65535), default=4566, help="0: one that is free")
    parser.add_argument("--archives", type=a_number(int, 0), default=0, help=f"so many in a vault named {FILLED_VAULT}")
    parser.add_argument(
        "--speed", type=a_number(float, 0.01), default=3600, help="how many times sooner Glacier's jobs end"
    )
    arguments = parser.parse_args()
    if not _is_free(arguments.port):
        other = arguments.port % 65535 + 1
        sys.exit(f"Port {arguments.port} is in use by another program. Another port: make up PORT={other}")
    try:
        run(arguments.port, arguments.speed, arguments.archives)
    except SynthesisError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
