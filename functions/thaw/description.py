"""The job description: our tag, which tells a job whose reply was lost, and the user's own text behind it."""

import re
from dataclasses import dataclass

GLACIER_LIMIT_BYTES = 1024
TAG_AT_MOST_BYTES = 64
USER_LIMIT_BYTES = GLACIER_LIMIT_BYTES - TAG_AT_MOST_BYTES
"""What the tag leaves of Glacier's limit to the user."""

PATTERN = r"^[\x20-\x7e]*$"
"""Glacier takes ASCII 32 to 126."""

_TAG = re.compile(r"^thaw:(?P<key>[0-9a-f]{32})-(?P<generation>[0-9]{1,9}):(?P<attempt>[0-9]{1,9})(?: |$)")


@dataclass(frozen=True)
class Tag:
    """Which attempt of which retrieval a job was started for."""

    key: str
    generation: int
    attempt: int

    @property
    def retrieval_id(self) -> str:
        return f"{self.key}-{self.generation}"

    def describe(self, user_description: str | None) -> str:
        """The description to start the job with, at most 1,024 bytes of ASCII 32 to 126."""
        tag = f"thaw:{self.retrieval_id}:{self.attempt}"
        return f"{tag} {user_description}" if user_description else tag

    @classmethod
    def read(cls, description: str | None) -> "Tag | None":
        """The tag of a job's description, or None where the job is not ours."""
        found = _TAG.match(description or "")
        return cls(found["key"], int(found["generation"]), int(found["attempt"])) if found else None


def split_retrieval_id(retrieval_id: str) -> tuple[str, int]:
    """The key and the generation in a retrieval's id."""
    key, _, generation = retrieval_id.rpartition("-")
    return key, int(generation)
