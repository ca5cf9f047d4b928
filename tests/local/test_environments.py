import os
import subprocess
import sys

from local.environments import _swapped_variables


def test_a_functions_variables_are_there_for_it_and_for_what_it_starts_and_afterwards_all_is_as_it_was() -> None:
    os.environ["THAW_TEST_KEPT"] = "before"
    before = dict(os.environ)
    try:
        with _swapped_variables({"THAW_TEST_KEPT": "ä", "THAW_TEST_NEW": "1", "THAW_TEST_GONE": "2"}):
            assert (os.environ["THAW_TEST_KEPT"], os.environ["THAW_TEST_NEW"]) == ("ä", "1")
            assert _seen_by_a_child() == ["2", "ä", "1"]
            del os.environ["THAW_TEST_GONE"]
            os.environ["THAW_TEST_KEPT"] = "changed"
        assert dict(os.environ) == before
        assert _seen_by_a_child() == ["before"]
    finally:
        del os.environ["THAW_TEST_KEPT"]


def _seen_by_a_child() -> list[str]:
    program = "import os; print(*(os.environ[n] for n in sorted(os.environ) if n.startswith('THAW_TEST_')), sep='|')"
    child = subprocess.run([sys.executable, "-X", "utf8", "-c", program], capture_output=True, check=True)
    return child.stdout.decode().strip().split("|")
