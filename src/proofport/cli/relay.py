"""`proofport relay` accepts evidence over HTTP; `proofport key` manages who may use it, and for what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

import proofport
from proofport.cli import options
from proofport.cli.connect import uses_gateway, with_gateway
from proofport.cli.output import echo, show, show_json, show_result, when, wrapped
from proofport.errors import UsageError
from proofport.text.durations import seconds_of

if TYPE_CHECKING:
    from proofport.journal.contract import AccessKey


@click.command()
@click.option("--host", help="Where to listen. [default: `relay.host` of the configuration, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="0 takes a free one. [default: `relay.port`, else 8080]")
@options.config_option
def relay(host: str | None, port: int | None, config_path: str | None) -> int:
    """Accept evidence over HTTP, and deliver it.

    Everything is durable in the journal before it is answered. http://HOST:PORT/docs describes the API.
    """
    from proofport.cli.service import calm_garbage_collector, read_keys_on_hangup, stop_signal
    from proofport.relay.serving import serving

    async def serve(gateway: proofport.Gateway) -> None:
        stopped = stop_signal()
        read_keys_on_hangup(gateway)
        async with serving(gateway) as origin:
            echo(f"listening on {origin}")
            calm_garbage_collector()
            await stopped.wait()

    options.start_log(serving=True)
    config = proofport.Config.load(config_path)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = config.relay.model_copy(update=given)
    with_gateway(config.model_copy(update={"relay": settings}), serve)
    return 0


@click.group("key")
def key() -> None:
    """Make, list and revoke the keys of the relay."""


def _moment(ctx: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    if text is None:
        return None
    now = datetime.now(UTC)
    try:
        with suppress(ValueError):
            return now.timestamp() + seconds_of(text)
        at = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise click.BadParameter(f"found {text!r}, expected 90d, 12h or 2030-01-31", ctx, parameter) from None
    if at <= now:
        raise click.BadParameter(f"{text} is in the past", ctx, parameter)
    return at.timestamp()


@key.command("create")
@click.argument("name")
@click.option("--tenant", default="default", show_default=True, help="The tenant whose destinations it is for.")
@click.option("--to", "destinations", metavar="DEST", multiple=True, help="Only for this destination. Repeatable.")
@click.option("--kind", "kinds", metavar="KIND", multiple=True, help="Only for this kind of evidence. Repeatable.")
@click.option("--read-only", is_flag=True, help="It may read, and send nothing.")
@click.option("--write-only", is_flag=True, help="It may send, and read nothing.")
@click.option("--expires", metavar="WHEN", callback=_moment, help="90d, 12h or 2030-01-31 (UTC). [default: never]")
@options.json_option
@uses_gateway
async def create_command(
    gateway: proofport.Gateway, name: str, read_only: bool, write_only: bool, as_json: bool, **scope: Any
) -> int:
    """Make a key, and print it. NAME says what it is for.

    The key is shown only once, alone on stdout; only its hash is stored. Without options it may do everything for the
    destinations of the tenant.
    """
    if not name.strip():
        raise click.UsageError("NAME must not be empty: it tells this key from others")
    if read_only and write_only:
        raise click.UsageError("--read-only and --write-only together leave nothing that the key may do")
    _check_scope(gateway.config, scope["tenant"], scope["destinations"], scope["kinds"])
    from proofport.relay.access.keys import issue

    for several in ("destinations", "kinds"):
        scope[several] = list(dict.fromkeys(scope[several])) or None
    scope |= {"may_read": not write_only, "may_write": not read_only}
    token, made = await issue(await gateway.journal(), name=name, **scope)
    if as_json:
        show_json({"key": str(token), **_plain(made)})
    else:
        echo(str(token))
        show(f"It is shown only once. It {_scope(made)}, and {_expiry(made)}.", err=True)
    return 0


@key.command("list")
@click.option("--tenant", help="Only those of this tenant.")
@options.json_option
@uses_gateway
async def list_command(gateway: proofport.Gateway, tenant: str | None, as_json: bool) -> int:
    """List the keys: what they may do, and when they were last used."""
    keys = await (await gateway.journal()).access_keys(tenant=tenant)
    show_result([_plain(each) for each in keys], _lines(keys), as_json=as_json)
    return 0


@key.command("revoke")
@click.argument("name", metavar="KEY")
@uses_gateway
async def revoke_command(gateway: proofport.Gateway, name: str) -> int:
    """Revoke KEY, named as `proofport key list` does (pp_…). It stays listed.

    Running relays refuse it within two seconds.
    """
    prefix = name.removeprefix("pp_").partition("_")[0]
    if not await (await gateway.journal()).revoke_access_key(prefix):
        raise UsageError(f"there is no key pp_{prefix[:20]}", hint="`proofport key list` lists them.")
    echo(f"pp_{prefix} is revoked.")
    return 0


def _check_scope(config: proofport.Config, tenant: str, destinations: Sequence[str], kinds: Sequence[str]) -> None:
    """Raise UsageError where the configuration lacks the tenant or a destination, or a kind does not exist."""
    from proofport.config.names import DEFAULT
    from proofport.evidence import model_of
    from proofport.text.wording import did_you_mean

    tenants = [DEFAULT, *config.tenants]
    if tenant not in tenants:
        hint = did_you_mean(tenant, tenants) or "Add it under `tenants:` in the configuration."
        raise UsageError(f"there is no tenant {tenant!r}; the tenants are {', '.join(tenants)}", hint=hint)
    known = list(config.of_tenant(tenant))
    for destination in destinations:
        if destination not in known:
            message = f"{tenant} has no destination {destination!r}; it has {', '.join(known) or 'none'}"
            raise UsageError(message, hint=did_you_mean(destination, known))
    for kind in kinds:
        model_of(kind)


def _lines(keys: Sequence[AccessKey]) -> Iterator[str]:
    for key in keys:
        yield wrapped(f"pp_{key.prefix}  {key.name}", hanging="  ")
        state = f"revoked {when(key.revoked)}" if key.revoked else _expiry(key)
        used = f"last used {when(key.used)}" if key.used else "not used yet"
        yield wrapped(f"tenant {key.tenant}; {_scope(key)}; {state}, {used}", "    ")
    if not keys:
        yield "There is no key. Make one with `proofport key create NAME`."


def _scope(key: AccessKey) -> str:
    doing = {(True, True): "reads and writes", (True, False): "reads", (False, True): "writes"}
    kinds = "every kind" if key.kinds is None else ", ".join(key.kinds)
    places = "every destination" if key.destinations is None else ", ".join(key.destinations)
    return f"{doing[key.may_read, key.may_write]} {kinds} at {places}"


def _expiry(key: AccessKey) -> str:
    if key.expires is None:
        return "never expires"
    over = key.expires <= datetime.now(UTC).timestamp()
    return f"{'expired' if over else 'expires'} {when(key.expires)}"


def _plain(key: AccessKey) -> dict[str, Any]:
    names = ("name", "tenant", "may_read", "may_write", "destinations", "kinds")
    times = {"created": key.created, "expires": key.expires, "revoked": key.revoked, "last_used": key.used}
    return {
        "prefix": f"pp_{key.prefix}",
        **{name: getattr(key, name) for name in names},
        **{name: when(at) for name, at in times.items()},
    }
