"""`python -m local.demo`: see the package. Exits with 1 if anything did not end as it should."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from local import glacier
from local.assembly import SynthesisError
from local.cloud import Cloud
from local.demo import story
from local.demo.history import Outcome
from local.demo.report import conclusion, introduction
from local.demo.run import Run, perform
from local.demo.screen import screen_on

_WIDTH = 104
"""In columns, where there is no terminal to ask."""


def main(arguments: list[str] | None = None, expected: Mapping[str, Outcome] = story.EXPECTED) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="Real requests through every part.")
    parser.add_argument("--seed", type=int, default=1, help="decides ids and how long jobs take (default: 1)")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also keep what was printed as a picture")
    given = parser.parse_args(arguments)
    console = _console()
    console.print(introduction())
    began = time.perf_counter()
    run = _run(console, given.seed, expected)
    took_seconds = time.perf_counter() - began
    console.print(conclusion(run, console.width))
    console.print(f"Took {took_seconds:.0f} s.", style="dim")
    if given.svg is not None:
        given.svg.write_text(_picture(run))
    return 1 if run.wrong else 0


def _console() -> Console:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # for terminals without the signs
    fixed = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH
    return Console(width=fixed, highlight=False)


def _run(console: Console, seed: int, expected: Mapping[str, Outcome]) -> Run:
    settings = glacier.Settings(seed=seed, inventories="always")
    with console.status("Deploying …"):
        cloud = Cloud(seed, story.SETTINGS, glacier_settings=settings)
    with cloud, screen_on(console) as screen:
        return perform(cloud, screen, expected)


def _picture(run: Run) -> str:
    paper = Console(width=_WIDTH, record=True, file=io.StringIO(), force_terminal=True, highlight=False)
    paper.print("[bold]$ make demo[/bold]\n")
    paper.print(introduction())
    paper.print(conclusion(run, _WIDTH))
    return paper.export_svg(title="Thaw")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SynthesisError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
