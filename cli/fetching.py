"""The output of a job, fetched into a file: in parts, several at once, each checked, and continued after a break.

What has come so far is in a file of its own beside the target, from the output's beginning on without a gap: its
length says how much that is. Its name has the job's id, so that no other job's output is continued.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from botocore.exceptions import ClientError, IncompleteReadError

from cli.at_once import in_order
from cli.errors import NO_CONNECTION, Exit, Problem, code_of
from cli.tree_hash import Part, parts, root, tree_hash
from thaw.byte_range import ByteRange
from thaw.retrieval import Retrieval

if TYPE_CHECKING:
    from mypy_boto3_glacier import GlacierClient

PARTS_AT_ONCE = 4
PART_BYTES = 16 * 2**20
"""A power of two. Some PARTS_AT_ONCE parts are in memory at a time."""
_PAUSES_SECONDS = (0.0, 0.5, 2.0, 5.0, 10.0)
"""Before each try of a part."""


@dataclass(frozen=True)
class JobOutput:
    """What there is to fetch, as a retrieval's record has it."""

    account_id: str
    vault_name: str
    job_id: str
    size_bytes: int
    starts_at: int = 0
    """Its first byte within the archive."""
    to_the_end: bool = True
    """Whether it goes to the archive's end, as far as that is known."""
    tree_hash: str | None = None
    """Of all of it; None where Glacier gives none."""

    @classmethod
    def of(cls, record: Retrieval) -> JobOutput:
        """The output of a retrieval that has succeeded.

        Raises:
            Problem: its size is not known.
        """
        assert record.job_id is not None  # a retrieval that has succeeded has it
        part = ByteRange.parse(record.byte_range) if record.byte_range else None
        whole = record.inventory_size_in_bytes if record.is_inventory else record.archive_size_in_bytes
        size_bytes = part.size_bytes if part else whole
        if size_bytes is None:
            raise Problem("Glacier did not tell the output's size.", "Fetch it with `aws glacier get-job-output`.")
        return cls(
            record.account_id,
            record.vault_name,
            record.job_id,
            size_bytes,
            starts_at=part.start if part else 0,
            to_the_end=part is None or whole is None or part.end + 1 == whole,
            tree_hash=record.sha256_tree_hash or (record.archive_sha256_tree_hash if part is None else None),
        )


@dataclass(frozen=True)
class Fetched:
    """What became of it."""

    size_bytes: int
    begun_at_bytes: int
    """So much was there from before."""
    tree_hash: str | None
    """Glacier's, and that of what came; None where Glacier gives none."""


def part_file(target: Path, output: JobOutput) -> Path:
    """Where what has come of an output stands until all of it is there."""
    return target.with_name(f"{target.name}.{output.job_id[:16]}.part")


def fetch(client: GlacierClient, output: JobOutput, target: Path, told: Callable[[int], None]) -> Fetched:
    """Fetches an output, or what is missing of it, into a new file.

    Args:
        client: several threads use it.
        told: how many bytes are there, whenever there are more.

    Raises:
        Problem: the output is gone, or broken; or the file is there already, or is being fetched.
        ClientError, BotoCoreError: Glacier refuses, or can't be reached. What has come is kept for the next time.
    """
    refuse_to_overwrite(target)
    aside = part_file(target, output)
    all_parts = list(parts(output.size_bytes, PART_BYTES, output.starts_at, to_the_end=output.to_the_end))
    with aside.open("a+b") as file:
        _be_alone(file, aside, target)
        hashes = _hashes_of_what_is_there(file, all_parts)
        begun_at = file.tell()
        told(begun_at)
        missing = all_parts[len(hashes) :]
        for part, (data, digest) in zip(missing, _parts(client, output, missing), strict=True):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            hashes.append(digest)
            told(part.last + 1)
        _check(output, root(hashes).hex(), aside)
        refuse_to_overwrite(target)
        aside.rename(target)
    return Fetched(output.size_bytes, begun_at, output.tree_hash)


def refuse_to_overwrite(target: Path) -> None:
    """Raises a Problem where the file is there."""
    if target.exists():
        raise Problem(f"{target} is there already; it is not overwritten.", "Name another file, or move it away.")


def _be_alone(file: BinaryIO, aside: Path, target: Path) -> None:
    """Locks what has come, until the file is closed: two that write to it would spoil it.

    Raises:
        Problem: another fetch has it, or has ended since the file was opened, and has moved it or thrown it away.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if aside.exists() and os.path.samestat(os.fstat(file.fileno()), aside.stat()):
            return
    except BlockingIOError:
        pass
    raise Problem(f"Another fetch of {target} is at it.", "Wait for that one, or name another file.")


def _check(output: JobOutput, found: str, aside: Path) -> None:
    if output.tree_hash is not None and found != output.tree_hash:
        aside.unlink()
        message = f"What came has the tree hash {found}, and Glacier's is {output.tree_hash}. It was thrown away."
        raise Problem(message, "Fetch it again.", Exit.BAD_NEWS)


def _hashes_of_what_is_there(file: BinaryIO, all_parts: Sequence[Part]) -> list[bytes]:
    """The hashes of the whole parts that a file has; it goes on behind the last of them."""
    there_bytes = file.seek(0, os.SEEK_END)
    file.seek(0)
    whole = [part for part in all_parts if part.last < there_bytes]
    hashes = [tree_hash(file.read(part.size_bytes)) for part in whole]
    file.truncate(file.tell())
    return hashes


def _parts(client: GlacierClient, output: JobOutput, missing: Sequence[Part]) -> Iterator[tuple[bytes, bytes]]:
    """The bytes of these parts, in their order, each with its tree hash."""
    return in_order(lambda part: _part(client, output, part), missing, PARTS_AT_ONCE)


def _part(client: GlacierClient, output: JobOutput, part: Part) -> tuple[bytes, bytes]:
    """One part, asked for again where the connection breaks or what came is not what Glacier sent."""
    wrong = ""
    for pause_seconds in _PAUSES_SECONDS:
        time.sleep(pause_seconds)
        try:
            data, expected = _get(client, output, part)
        except (*NO_CONNECTION, IncompleteReadError) as broken:
            wrong = str(broken)
            continue
        digest = tree_hash(data) if data else b""
        if len(data) == part.size_bytes and expected in (None, digest.hex()):
            return data, digest
        wrong = f"{len(data)} bytes with the tree hash {digest.hex()}; Glacier says {expected}"
    where = f"Bytes {part.first}-{part.last} did not come, {len(_PAUSES_SECONDS)} times: {wrong}"
    raise Problem(where, "What has come is kept: the same command carries on.", Exit.AWS)


def _get(client: GlacierClient, output: JobOutput, part: Part) -> tuple[bytes, str | None]:
    """The bytes of a part, and their tree hash where Glacier gives it."""
    try:
        reply = client.get_job_output(
            accountId=output.account_id,
            vaultName=output.vault_name,
            jobId=output.job_id,
            range=f"bytes={part.first}-{part.last}",
        )
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        advice = "An output is kept for 24 hours. Ask for it again under a new request id."
        raise Problem(f"Glacier has the output no more: {error}", advice, Exit.BAD_NEWS) from None
    return reply["body"].read(), reply.get("checksum") or None
