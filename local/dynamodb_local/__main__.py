"""`python -m local.dynamodb_local COMMAND …`: runs the command while DynamoDB Local runs; its exit status is ours.

Every `local.cloud.Cloud` in the command then has DynamoDB Local in the place of moto's DynamoDB. Without Java and Maven
(or where Maven reaches no repository) that is an error; with `--where-possible` before the command it says so, and
leaves the command out. Where all is there and DynamoDB Local does not start, it is an error either way.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from local.dynamodb_local.server import Missing, Unavailable, running
from local.dynamodb_local.tables import ENDPOINT_VARIABLE


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.dynamodb_local", description=__doc__)
    parser.add_argument("--where-possible", action="store_true", help="leave the command out without Java or Maven")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("the command to run is missing")
    try:
        with running() as endpoint:
            environment = {**os.environ, ENDPOINT_VARIABLE: endpoint}
            return subprocess.run(arguments.command, env=environment, check=False).returncode
    except Unavailable as reason:
        if arguments.where_possible and isinstance(reason, Missing):
            print(f"Left out: {' '.join(arguments.command)}\n{reason}")
            return 0
        print(f"Not run: {' '.join(arguments.command)}\n{reason}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
