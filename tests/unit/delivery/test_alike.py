"""Which names of columns may mean the same."""

from __future__ import annotations

import pytest

from proofport.delivery.reading.columns import is_alike


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Work Mail", "email"),
        ("Dienst-E-Mail", "Email"),
        ("MFA aktiv", "mfa_enabled"),
        ("lastLogin", "last_login_at"),
        ("Emial", "email"),
        ("Vorname", "Vornamen"),
    ],
)
def test_a_name_is_like_another(one: str, other: str) -> None:
    assert is_alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Last Name (Kana)", "last_login_at"),
        ("Created by", "created_at"),
        ("First name", "last_name"),
        ("Cost centre", "email"),
        ("Id", "Paid"),
        ("Start date", "created_date"),
        ("", "x"),
    ],
)
def test_a_name_is_not_like_another(one: str, other: str) -> None:
    assert not is_alike(one, other)
