"""`python -m cli` is `thaw`, where it is not installed."""

from cli.main import thaw

thaw(prog_name="thaw")
