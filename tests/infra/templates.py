"""Templates as a reader sees them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FUNCTIONS = ("initiate", "top_up", "complete", "reconcile", "publish")

# What CDK puts behind a logical id, so that no two are the same.
_HASH = re.compile(r"([A-Za-z])[0-9A-F]{8}(?=$|[^0-9A-Za-z])")


@dataclass(frozen=True)
class Template:
    body: dict[str, Any]

    @classmethod
    def read(cls, assembly: Path, stack: str) -> "Template":
        return cls(json.loads((assembly / f"{stack}.template.json").read_text()))

    def of_type(self, resource_type: str) -> dict[str, dict[str, Any]]:
        """The properties of each resource of a type, by its plain logical id."""
        return {
            plain(name): resource.get("Properties", {})
            for name, resource in self.body["Resources"].items()
            if resource["Type"] == resource_type
        }

    def function(self, name: str) -> dict[str, Any]:
        """The properties of the function whose code is name.py."""
        (found,) = (
            properties
            for properties in self.of_type("AWS::Lambda::Function").values()
            if properties["Handler"] == f"{name}.handler"
        )
        return found

    def environment(self, name: str) -> dict[str, str]:
        variables = self.function(name)["Environment"]["Variables"]
        return {key: flat(value) for key, value in variables.items()}

    def statements(self, resource_type: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(logical id, statement) of every policy of a type."""
        for name, properties in self.of_type(resource_type).items():
            for statement in properties["PolicyDocument"]["Statement"]:
                yield name, statement


def plain(logical_id: str) -> str:
    return _HASH.sub(r"\1", logical_id)


def flat(value: Any) -> str:
    """A value in one line, references in angle brackets: "<RequestsQueue.Arn>"."""
    match value:
        case {"Ref": name}:
            return f"<{plain(name)}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{plain(name)}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return f"<{plain(_imported(name))}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(flat(part) for part in parts)
        case _:
            return str(value)


def _imported(name: str) -> str:
    """ "ThawState:ExportsOutputFnGetAttTable0123ABCDArn0123ABCD" is "State.Table.Arn"."""
    what = re.sub(r"^ThawState:ExportsOutput(FnGetAtt|Ref)|[0-9A-F]{8}$", "", name)
    return "State." + re.sub(r"[0-9A-F]{8}(?=[A-Z])", ".", re.sub(r"[0-9A-F]{8}$", "", what))


def listed(value: Any) -> list[Any]:
    """A policy may have one thing or a list of things; a list."""
    return value if isinstance(value, list) else [value]
