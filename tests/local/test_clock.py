import threading
import time
from datetime import UTC, datetime, timedelta

from local.clock import RealClock, VirtualClock

START = datetime(2026, 1, 31, tzinfo=UTC)
START_MS = 1_769_817_600_000


def test_time_jumps_to_what_is_due_and_stands_still_between() -> None:
    fired: list[tuple[str, int]] = []
    with VirtualClock(START) as clock:
        clock.after(3600, lambda: fired.append(("later", clock.now_ms())))
        clock.after(60, lambda: fired.append(("sooner", clock.now_ms())))
        assert clock.now() == START
        clock.run_until(lambda: False, START_MS + 7_200_000)
        assert fired == [("sooner", START_MS + 60_000), ("later", START_MS + 3_600_000)]
        assert datetime.now(UTC) == START + timedelta(hours=2)
        assert time.time() == START_MS / 1000 + 7200
        assert clock.now_ms() == START_MS + 7_200_000
    assert abs(clock.now_ms() - time.time() * 1000) < 60_000, "after it, as before it, the real time"


def test_running_ends_as_soon_as_the_condition_holds() -> None:
    fired: list[int] = []
    with VirtualClock(START) as clock:
        for seconds in (1, 2, 3):
            clock.after(seconds, lambda seconds=seconds: fired.append(seconds))  # type: ignore[misc]
        assert clock.run_until(lambda: 2 in fired, START_MS + 10_000)
        assert fired == [1, 2]
        assert clock.now_ms() == START_MS + 2000
        assert not clock.run_until(lambda: len(fired) == 9, START_MS + 10_000)


def test_timers_of_one_moment_keep_their_order_unless_a_tie_break_orders_them() -> None:
    fired: list[str] = []
    with VirtualClock(START) as clock:
        clock.after(1, lambda: fired.append("first"))
        clock.after(1, lambda: fired.append("second"))
        order = iter([2.0, 1.0])
        clock.tie_break = lambda: next(order)
        clock.after(2, lambda: fired.append("fourth"))
        clock.after(2, lambda: fired.append("third"))
        clock.run_until(lambda: False, START_MS + 5000)
    assert fired == ["first", "second", "third", "fourth"]


def test_only_timers_in_the_foreground_count_as_waiting() -> None:
    with VirtualClock(START) as clock:
        clock.after(1, lambda: None, background=True)
        cancelled = clock.after(1, lambda: None)
        assert clock.waiting == 1
        clock.cancel(cancelled)
        clock.cancel(cancelled)
        assert clock.waiting == 0
        assert clock.next_ms() == START_MS + 1000


def test_the_real_clock_waits_and_hears_of_sooner_timers() -> None:
    clock = RealClock()
    fired: list[str] = []
    thread = threading.Thread(target=clock.run)
    thread.start()
    with clock.lock:
        clock.after(60, lambda: fired.append("much later"))
        clock.after(0.05, lambda: fired.append("soon"))
        clock.after(0.06, clock.stop)
    thread.join(timeout=5)
    assert fired == ["soon"]


def test_visitors_come_in_between_timers_that_are_all_due() -> None:
    clock = RealClock()
    fired: list[int] = []
    visits: list[int] = []

    def again() -> None:
        fired.append(len(fired))
        time.sleep(0.005)
        if len(visits) < 20 and len(fired) < 400:
            clock.after(0, again)
        else:
            clock.stop()

    with clock.lock:
        clock.after(0, again)
    thread = threading.Thread(target=clock.run)
    thread.start()
    for _ in range(20):
        with clock.visit():
            visits.append(len(fired))
    thread.join(timeout=20)
    assert visits[-1] < 200
    assert fired == list(range(len(fired)))
