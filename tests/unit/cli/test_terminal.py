"""What comes from outside cannot command the terminal that shows it."""

from __future__ import annotations

import json

import click
import pytest

from proofport.cli.output import plain, say, show, show_json, show_result

HOSTILE = "a\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202eb\r"


def obeyed(text: str) -> list[str]:
    return [each for each in text if (ord(each) < 32 and each != "\n") or 127 <= ord(each) < 160 or each == "\u202e"]


def test_every_way_out_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    show(HOSTILE)
    show(HOSTILE, err=True)
    say(HOSTILE, HOSTILE)
    show_json({"id": HOSTILE})
    show_result({}, [HOSTILE.replace("\x9b", "")], as_json=False)
    shown = capsys.readouterr()
    assert obeyed(shown.out + shown.err.replace("\x1b[31m\x1b[1m", "").replace("\x1b[0m", "")) == []
    assert "owned" in shown.out


def test_json_stays_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"id": HOSTILE})
    assert json.loads(capsys.readouterr().out) == {"id": HOSTILE}


def test_colours_of_our_own_stay(capsys: pytest.CaptureFixture[str]) -> None:
    show_result({}, [click.style("fine", fg="red")], as_json=False)
    assert "fine" in capsys.readouterr().out
    assert plain("two\tcolumns") == "two\tcolumns"
