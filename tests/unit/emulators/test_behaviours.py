"""What an emulator claims: every claim with its source, every guess with a switch."""

from __future__ import annotations

from typing import Any

import pytest

from proofport import registry
from proofport.testing import Behaviour, Emulator, Switches

EMULATORS = [registry.load_emulator(name) for name in registry.names(registry.EMULATORS)]
TAGS = {"documented", "observed", "assumed"}


@pytest.mark.parametrize("emulator", EMULATORS)
def test_every_claim_has_a_name_of_its_own_words_and_a_source(emulator: type[Emulator]) -> None:
    names = [each.name for each in emulator.behaviours]

    assert len(names) == len(set(names))
    assert all(each.says and each.source for each in emulator.behaviours)
    assert {each.tag for each in emulator.behaviours} - {"client-only"} == TAGS


@pytest.mark.parametrize("emulator", EMULATORS)
def test_every_guess_can_be_switched(emulator: type[Emulator]) -> None:
    fixed = [each.name for each in emulator.behaviours if each.tag == "assumed" and each.default is None]

    assert fixed == []


@pytest.mark.parametrize("emulator", EMULATORS)
def test_the_default_is_one_of_the_choices(emulator: type[Emulator]) -> None:
    for each in emulator.behaviours:
        if each.default is not None:
            assert each.problem(each.default) is None, each.name


async def test_the_list_shows_the_present_reading(drata: Any) -> None:
    await drata.served.switch(put_record="replace")

    claims = {each["name"]: each for each in await drata.served.control("GET", "behaviours")}

    assert claims["put_record"] == {
        "name": "put_record",
        "says": "PUT merges into the record.",
        "tag": "assumed",
        "source": "the recipe sends a subset",
        "switch": {"value": "replace", "default": "merge", "choices": ["merge", "replace"]},
    }
    assert claims["complete"]["switch"] is None


def test_a_switch_that_is_not_there_is_named_with_those_that_are() -> None:
    switches = Switches([Behaviour("meta", "says", "observed", "OBS", True)])

    with pytest.raises(ValueError, match="no switch 'mata'; the switches are meta"):
        switches.set({"mata": True})


async def test_the_behaviours_say_which_reading_of_a_training_is_the_default_and_why(secureframe: Any) -> None:
    claims = {each["name"]: each for each in await secureframe.served.control("GET", "behaviours")}

    required, datetimes = claims["completed_at_required"], claims["datetimes"]
    assert (required["switch"]["default"], datetimes["switch"]["default"]) == (True, "fails")
    assert "R1" in required["says"]
    assert "R2 and R3" in required["says"]
    assert "ISO 8601" in datetimes["source"]
