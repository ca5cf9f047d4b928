"""DynamoDB Local as a process: fetched from Maven Central once, started on a free port, stopped."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

OLDEST_JAVA = 17
_POM = Path(__file__).with_name("pom.xml")
_CACHE = Path(__file__).parents[2] / ".cache"
_MAIN = "software.amazon.dynamodb.services.local.main.ServerRunner"
_START_SECONDS = 60
_STOP_SECONDS = 10
_OUT_OF_REACH = ("Could not transfer", "in offline mode")
"""Maven says one of these where it reaches no repository, and neither where a repository lacks what the pom names."""


class Unavailable(Exception):
    """What went wrong, in words for people."""


class Missing(Unavailable):
    """What is not on this machine, or out of its reach. Nothing is broken: there is nothing to find out here."""


def missing() -> str | None:
    """What DynamoDB Local needs and this machine lacks, or None."""
    absent = [program for program in ("java", "mvn") if shutil.which(program) is None]
    if absent:
        return f"DynamoDB Local needs Java {OLDEST_JAVA} or later and Maven; there is no {' and no '.join(absent)} here"
    told = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    # A Java that tells no version is there, and broken; what it says is told where it fails to run something.
    if found and int(found[1]) < OLDEST_JAVA:
        return f"DynamoDB Local needs Java {OLDEST_JAVA} or later; here is {told.splitlines()[0]}"
    return None


def fetched() -> Path:
    """The folder with DynamoDB Local at its pinned version; Maven fetches it the first time.

    Raises:
        Missing: without Java and Maven, or where Maven reaches no repository.
        Unavailable: where Maven fails otherwise.
    """
    lacking = missing()
    if lacking:
        raise Missing(lacking)
    folder = _CACHE / f"dynamodb-local-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        print("Fetching DynamoDB Local from Maven Central, once ...", file=sys.stderr)
        _CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as half_done:
            _copy_dependencies(Path(half_done) / "lib")
            (Path(half_done) / "lib").rename(folder)
    return folder


def _copy_dependencies(folder: Path) -> None:
    options = ["--quiet", "--batch-mode", "-Dstyle.color=never", f"--file={_POM}"]
    # By its full name: of a short one, Maven does not say whether the repository lacks it or is out of reach.
    goal = "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies"
    command = ["mvn", *options, goal, "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ended.returncode:
        kind = Missing if any(words in ended.stdout for words in _OUT_OF_REACH) else Unavailable
        raise kind(f"Maven could not fetch DynamoDB Local; it said:\n{ended.stdout}")


@contextmanager
def running() -> Iterator[str]:
    """Its endpoint, while entered. All is in memory, and each access key has tables of its own.

    Raises:
        Missing: if it can't be had here.
        Unavailable: if it does not start.
    """
    folder, port = fetched(), _free_port()
    java = ["java", f"-Djava.library.path={folder}", "-cp", f"{folder}/*", _MAIN]
    with tempfile.TemporaryFile() as said:
        options = ["-inMemory", "-disableTelemetry", "-port", str(port)]
        # In a session of its own, so that Ctrl-C leaves it to us to stop it.
        process = subprocess.Popen(
            [*java, *options], stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
        try:
            endpoint = f"http://127.0.0.1:{port}"
            if not _answers(process, endpoint):
                said.seek(0)
                raise Unavailable(f"DynamoDB Local did not start; it said:\n{said.read().decode(errors='replace')}")
            yield endpoint
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], endpoint: str) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib3.request("GET", endpoint, retries=False, timeout=_START_SECONDS)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
