"""Progress: quiet for a short run, a line now and then, the vendor's waiting time at once."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from tests.support.clock import Clock

from proofport.cli.push.progress import LINE_EVERY, Lines, bars, rows_watcher, watcher
from proofport.delivery.order import DestinationProgress, Progress


def at(read: int, done: int, note: str | None = None, rejected: int = 0) -> Progress:
    return Progress(read, {"there": DestinationProgress(done, rejected, note)})


def test_a_short_run_prints_nothing() -> None:
    out, clock = io.StringIO(), Clock(0.0)
    watch = Lines(out, clock)
    clock.now = LINE_EVERY - 0.1
    watch(at(10, 5))
    assert out.getvalue() == ""


def test_a_long_run_prints_a_line_now_and_then() -> None:
    out, clock = io.StringIO(), Clock(0.0)
    watch = Lines(out, clock)
    for second in range(11):
        clock.now = float(second)
        watch(at(second * 1_000, second * 900, rejected=second))
    assert out.getvalue().splitlines() == [
        "5,000 read; there 4,500 done, 5 rejected",
        "10,000 read; there 9,000 done, 10 rejected",
    ]


def test_waiting_is_said_at_once_and_not_every_second() -> None:
    out = io.StringIO()
    watch = Lines(out, Clock(0.0))
    watch(at(10, 5))
    watch(at(10, 5, "rate limited; goes on in 12 s"))
    watch(at(10, 5, "rate limited; goes on in 11 s"))
    watch(at(10, 6))
    watch(at(10, 6, "rate limited; goes on in 3 s"))
    assert out.getvalue().splitlines() == [
        "10 read; there 5 done (rate limited; goes on in 12 s)",
        "10 read; there 6 done (rate limited; goes on in 3 s)",
    ]


def test_the_words_of_a_vendor_command_no_terminal() -> None:
    note = "busy\x1b]0;owned\x07\x9b31m"
    lines, screen = io.StringIO(), io.StringIO()
    Lines(lines, Clock(0.0))(at(10, 5, note))
    with bars(Console(file=screen, force_terminal=True, color_system=None, width=80)) as watch:
        watch(at(10, 5, note))
    for out in (lines.getvalue(), screen.getvalue()):
        assert "owned" in out
        assert not {"\x1b]", "\x07", "\x9b"} & {out[i : i + n] for i in range(len(out)) for n in (1, 2)}


def test_elsewhere_than_on_a_terminal_there_are_lines() -> None:
    with watcher(io.StringIO()) as watch:
        assert isinstance(watch, Lines)


def test_a_terminal_shows_counts_and_the_whole_countdown() -> None:
    out = io.StringIO()
    note = "list: https://a-vendor.example.com answered 429 because there were too many requests; goes on in 9 s"
    with bars(Console(file=out, force_terminal=True, color_system=None, width=80)) as watch:
        watch(at(2_000, 1_500, note, rejected=2))
    shown = out.getvalue()
    assert "1,500 of 2,000" in shown
    assert "2 rejected" in shown
    assert f"there: {note}" in " ".join(shown.split())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_how_much_of_a_vendors_list_is_read() -> None:
    out = io.StringIO()
    with bars(Console(file=out, force_terminal=True, color_system=None, width=100)) as watch:
        watch(Progress(0, {"there": DestinationProgress(0, 0, None, listed=1_200)}))
    assert "0 of 0 read, 1,200 listed" in out.getvalue()


def test_a_terminal_shows_how_much_was_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    screen, pipe = Terminal(), io.StringIO()
    for out in (screen, pipe):
        with rows_watcher("there", out) as watch:
            watch(12_000)
    assert "there" in screen.getvalue()
    assert pipe.getvalue() == ""
