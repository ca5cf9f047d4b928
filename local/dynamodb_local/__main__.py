"""`python -m local.dynamodb_local COMMAND …`: runs the command while DynamoDB Local runs; its exit status is ours.

Every `local.cloud.Cloud` in the command then has DynamoDB Local in the place of moto's DynamoDB. Without Java and Maven
(or where Maven can fetch nothing) that is an error; with `--where-possible` before the command it says so, and leaves
the command out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from local.dynamodb_local.server import Unavailable, missing, running
from local.dynamodb_local.tables import ENDPOINT_VARIABLE


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.dynamodb_local", description=__doc__)
    parser.add_argument("--where-possible", action="store_true", help="leave the command out without Java or Maven")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("the command to run is missing")
    if arguments.where_possible and (lacking := missing()):
        print(f"Left out: {' '.join(arguments.command)}\n{lacking}.")
        return 0
    try:
        with running() as endpoint:
            environment = {**os.environ, ENDPOINT_VARIABLE: endpoint}
            return subprocess.run(arguments.command, env=environment, check=False).returncode
    except Unavailable as reason:
        print(f"Left out: {' '.join(arguments.command)}" if arguments.where_possible else "", reason, file=sys.stderr)
        return 0 if arguments.where_possible else 1


if __name__ == "__main__":
    sys.exit(main())
