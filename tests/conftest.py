"""What all tests share; and after the whole suite: no role allows what neither its function nor Lambda in its name ever
did.

Processes of pytest-xdist hand what they saw to the one that started them, which decides. A part of the suite decides
nothing.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from local import garbage
from tests.kept import Kept

if TYPE_CHECKING:
    from local.stock import Stock
    from tests.role_usage import RoleUsage

_USAGE = pytest.StashKey["RoleUsage"]()
_SENT_AS = "role_usage"
_OURS = ("bench", "local", "simulation", "tests")

# Properties get the same examples on every run, and no deadline: no test is timed.
settings.register_profile(
    "thaw",
    max_examples=100,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("thaw")


gc.disable()
"""Until all is imported, of which nothing is rubbish: to look for it again and again takes as long as to import."""


def pytest_runtestloop() -> None:
    """A quarter of the tests' time went into looking for rubbish among all that was imported, and a tenth into loading
    the CDK anew for each of the settings that it is deployed with."""
    garbage.begin_to_look()
    settings = _settings_named()
    if len(settings) > 1:
        from local.assembly import synthesize_each

        synthesize_each([None, *settings])


def _settings_named() -> list[Mapping[str, object]]:
    """By any module that is loaded, in `SETTINGS`."""
    ours = [module for name, module in sorted(sys.modules.items()) if name.partition(".")[0] in _OURS]
    return [found for module in ours if isinstance(found := getattr(module, "SETTINGS", None), dict)]


def _usage(config: pytest.Config) -> RoleUsage:
    from tests.role_usage import RoleUsage  # with the embedded AWS, which takes its time; unit tests need none

    return config.stash.setdefault(_USAGE, RoleUsage())


@pytest.fixture(scope="session", autouse=True)
def role_usage_is_noted(request: pytest.FixtureRequest) -> Iterator[None]:
    if "local.cloud" not in sys.modules:  # no test that was collected uses it
        yield
        return
    with _usage(request.config).noting():
        yield


@pytest.fixture(scope="session")
def stock() -> Stock:
    """Loaded code of the functions, for clouds of this process; test_determinism shows that it is as good as new."""
    from local.stock import Stock

    return Stock()


_KEPT = Kept()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is not None and nextitem.path != item.path:
        _KEPT.end_before(nextitem)


@pytest.fixture(scope="session")
def kept(role_usage_is_noted: None) -> Iterator[Kept]:
    """Ends while it is still noted what roles were used for."""
    yield _KEPT
    _KEPT.end()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A process of pytest-xdist is done."""
    sent = getattr(node, "workeroutput", {}).get(_SENT_AS)
    if sent:
        _usage(node.config).add(*sent)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    config = session.config
    usage = config.stash.get(_USAGE, None)
    if usage is None:
        return
    if hasattr(config, "workeroutput"):
        config.workeroutput[_SENT_AS] = (sorted(usage.allowed), sorted(usage.made))
    elif exitstatus == pytest.ExitCode.OK and _is_whole(config) and usage.unused():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    usage = config.stash.get(_USAGE, None)
    if usage is None or not _is_whole(config):
        return
    terminalreporter.section("roles")
    for function, action, resource in usage.unused():
        told = f"FAILED: the role of {function} allows {action} on {resource}, which was never used"
        terminalreporter.line(told, red=True)
    used = len(usage.allowed) - len(usage.unused())
    terminalreporter.line(f"{used} of the {len(usage.allowed)} actions that roles allow were made")


def _is_whole(config: pytest.Config) -> bool:
    """True if nothing narrowed down which tests are run."""
    narrowed = ("keyword", "markexpr", "lf", "stepwise", "collectonly", "deselect", "ignore", "ignore_glob", "maxfail")
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return whole and not any(config.getoption(option, None) for option in narrowed)
