"""The bucket for stream records that no event can be made of, so that they hold up no other."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "unreadable/"


class Unreadable:
    """Keeps records whole, in the bucket that is the stream's failure destination as well."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keep(self, record: dict[str, Any]) -> str:
        """Stores a stream record under its sequence number and returns the object's key."""
        key = f"{PREFIX}{record['dynamodb']['SequenceNumber']}.json"
        self._client.put_object(Bucket=self._bucket, Key=key, Body=json.dumps(record, default=str).encode())
        return key
