"""`proofport key`: who may use the relay, and for what."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from proofport.cli import options
from proofport.cli.failures import wrapped

if TYPE_CHECKING:
    from proofport.config import Config
    from proofport.gateway import Gateway
    from proofport.journal.contract import AccessKey, Journal

T = TypeVar("T")
_SPAN = re.compile(r"(\d{1,5})([dh])")
_UNITS = {"d": "days", "h": "hours"}


@click.group("key")
def command() -> None:
    """Make, list and revoke the keys of the relay."""


def _when(ctx: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    now = datetime.now(UTC)
    try:
        span = _SPAN.fullmatch(text)
        if span:
            return now + timedelta(**{_UNITS[span[2]]: int(span[1])})
        at = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"found {text!r}, expected 90d, 12h or 2030-01-31", ctx, parameter) from None
    if at <= now:
        raise click.BadParameter(f"{text} is over", ctx, parameter)
    return at


@command.command("create")
@click.argument("name")
@click.option("--tenant", default="default", show_default=True, help="Whose destinations it is for.")
@click.option("--to", "destinations", metavar="DEST", multiple=True, help="Only for this destination. Repeatable.")
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Only for this kind of evidence. Repeatable.")
@click.option("--read-only", is_flag=True, help="It may look, and send nothing.")
@click.option("--write-only", is_flag=True, help="It may send, and look at nothing.")
@click.option("--expires", metavar="WHEN", callback=_when, help="90d, 12h or 2030-01-31 (UTC). [default: never]")
@options.json_option
@options.config_option
def create_command(
    name: str,
    tenant: str,
    destinations: Sequence[str],
    kinds: Sequence[str],
    read_only: bool,
    write_only: bool,
    expires: datetime | None,
    as_json: bool,
    config_path: str | None,
) -> int:
    """Make a key, and print it. NAME says what it is for.

    The key is shown this once, alone on stdout; only its hash is kept. Without options it may do everything for the
    destinations of the tenant.
    """
    if not name.strip():
        raise click.UsageError("NAME needs words: it tells this key from others")
    if read_only and write_only:
        raise click.UsageError("--read-only and --write-only leave nothing that the key may do")
    config = _checked(config_path, tenant, destinations, kinds)
    scope: dict[str, Any] = {
        "name": name,
        "tenant": tenant,
        "may_read": not write_only,
        "may_write": not read_only,
        "destinations": list(dict.fromkeys(destinations)) or None,
        "kinds": list(dict.fromkeys(kinds)) or None,
        "expires": expires and expires.timestamp(),
    }
    from proofport.relay.keys import issue

    token, key = _run(config, lambda journal: issue(journal, **scope))
    if as_json:
        click.echo(json.dumps({"key": str(token), **_plain(key)}, ensure_ascii=False, indent=2))
        return 0
    click.echo(str(token))
    click.echo(wrapped(f"It is shown this once. It {_scope(key)}, and {_ends(key)}."), err=True)
    return 0


@command.command("list")
@click.option("--tenant", help="Only those of this tenant.")
@options.json_option
@options.config_option
def list_command(tenant: str | None, as_json: bool, config_path: str | None) -> int:
    """List the keys: what they may do, and their last use."""
    keys = _run(config_path, lambda journal: journal.access_keys(tenant=tenant))
    if as_json:
        click.echo(json.dumps([_plain(key) for key in keys], ensure_ascii=False, indent=2))
        return 0
    for key in keys:
        click.echo(wrapped(f"pp_{key.prefix}  {key.name}", hanging="  ", fold=True))
        click.echo(wrapped(f"tenant {key.tenant}; {_scope(key)}; {_life(key)}", "    ", hanging="    ", fold=True))
    if not keys:
        click.echo("There is no key. Make one with `proofport key create NAME`.")
    return 0


@command.command("revoke")
@click.argument("key", metavar="KEY")
@options.config_option
def revoke_command(key: str, config_path: str | None) -> int:
    """Revoke KEY, named as `proofport key list` does (pp_…). It stays listed.

    Relays that are running refuse it within two seconds.
    """
    prefix = key.removeprefix("pp_").partition("_")[0]
    if not _run(config_path, lambda journal: journal.revoke_access_key(prefix)):
        click.echo(f"There is no key pp_{prefix[:20]}; `proofport key list` lists them.", err=True)
        return 2
    click.echo(f"pp_{prefix} is revoked.")
    return 0


def _checked(config_path: str | None, tenant: str, destinations: Sequence[str], kinds: Sequence[str]) -> Config:
    """The configuration, when what the key is for is in it. Raises UsageError."""
    from proofport.config import Config
    from proofport.errors import UsageError
    from proofport.evidence import model_of
    from proofport.tenancy import DEFAULT
    from proofport.text.wording import did_you_mean

    config = Config.load(config_path)
    tenants = [DEFAULT, *config.tenants]
    if tenant not in tenants:
        hint = did_you_mean(tenant, tenants) or "Add it under `tenants:` in the configuration."
        raise UsageError(f"there is no tenant {tenant!r}; the tenants are {', '.join(tenants)}", hint=hint)
    known = list(config.of_tenant(tenant))
    for destination in destinations:
        if destination not in known:
            near = did_you_mean(destination, known)
            raise UsageError(
                f"{tenant} has no destination {destination!r}; it has {', '.join(known) or 'none'}", hint=near
            )
    for kind in kinds:
        model_of(kind)
    return config


def _run(config: Config | str | None, work: Callable[[Journal], Awaitable[T]]) -> T:
    import asyncio

    from proofport.cli.connect import connect

    async def with_journal() -> T:
        gateway: Gateway
        async with connect(config) as gateway:
            return await work(await gateway.journal())

    return asyncio.run(with_journal())


def _scope(key: AccessKey) -> str:
    doing = {(True, True): "reads and writes", (True, False): "reads", (False, True): "writes"}
    kinds = "every kind" if key.kinds is None else ", ".join(key.kinds)
    places = "every destination" if key.destinations is None else ", ".join(key.destinations)
    return f"{doing[key.may_read, key.may_write]} {kinds} at {places}"


def _life(key: AccessKey) -> str:
    used = f"last used {_shown(key.used)}" if key.used else "not used yet"
    return f"{f'revoked {_shown(key.revoked)}' if key.revoked else _ends(key)}, {used}"


def _ends(key: AccessKey) -> str:
    if key.expires is None:
        return "never expires"
    over = key.expires <= datetime.now(UTC).timestamp()
    return f"{'expired' if over else 'expires'} {_shown(key.expires)}"


def _plain(key: AccessKey) -> dict[str, Any]:
    return {
        "prefix": f"pp_{key.prefix}",
        "name": key.name,
        "tenant": key.tenant,
        "may_read": key.may_read,
        "may_write": key.may_write,
        "destinations": key.destinations,
        "kinds": key.kinds,
        "created": _shown(key.created),
        "expires": _shown(key.expires),
        "revoked": _shown(key.revoked),
        "last_used": _shown(key.used),
    }


def _shown(seconds: float | None) -> str | None:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds is not None else None
