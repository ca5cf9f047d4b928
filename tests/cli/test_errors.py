"""What goes wrong before anything of Thaw's is asked, as a user sees it."""

import pytest
from click.testing import CliRunner

from cli.errors import Exit
from cli.main import thaw


@pytest.mark.parametrize(
    ("endpoint", "exit_code", "said"),
    [
        ("localhost", Exit.BAD_INPUT, "thaw: Invalid endpoint: localhost.\nAn endpoint is an address like http://"),
        ("http://127.0.0.1:1", Exit.AWS, "on this machine, whether `make up` runs."),
    ],
)
def test_an_endpoint_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, exit_code: int, said: str
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "x")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the tries
    result = CliRunner().invoke(thaw, ["status", "--region", "us-east-1", "--endpoint-url", endpoint])
    assert (result.exit_code, said in result.stderr) == (exit_code, True), result.stderr
