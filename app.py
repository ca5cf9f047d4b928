"""The CDK app: `npx aws-cdk synth` runs it, and so does `make synth`."""

import sys

from infra.application import build_app
from infra.settings import SettingsError

if __name__ == "__main__":
    try:
        build_app().synth()
    except SettingsError as error:
        sys.exit(str(error))
