"""Where a SQLite journal may lie, what it refuses to open, and what it says when its disk lets it down."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.journals import damage_deliveries

from proofport.errors import ConfigError, JournalError, UsageError
from proofport.journal import open_journal
from proofport.journal.contract import Filter, NewDelivery, Submitted
from proofport.journal.sqlite import SqliteJournal, database

NEW = NewDelivery("a", "somewhere", "device", "upsert", b"[]", 1)


async def accepted_by(path: Path, count: int = 1) -> None:
    """A journal with that many deliveries, closed."""
    journal = SqliteJournal(path)
    await journal.open()
    await journal.accept([NEW] * count)
    await journal.close()


async def size_of(path: Path) -> int:
    journal = SqliteJournal(path)
    await journal.open()
    try:
        return len(await journal.find(Filter(), limit=1_000_000))
    finally:
        await journal.close()


def names_in(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


def denied(*_: object) -> None:
    raise PermissionError(1, "Operation not permitted")


class TestOpening:
    async def test_folders_are_made_and_others_may_not_read(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "journal.sqlite3"
        journal = SqliteJournal(path)
        await journal.open()
        await journal.accept([NEW])
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        await journal.close()

    async def test_a_commit_is_on_the_disk_when_it_is_acknowledged(self, tmp_path: Path) -> None:
        await accepted_by(tmp_path / "journal")
        with closing(database.connect(tmp_path / "journal")) as db:
            assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert db.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"

    async def test_many_may_make_the_same_journal_at_once(self, tmp_path: Path) -> None:
        journals = [SqliteJournal(tmp_path / "journal") for _ in range(8)]
        await asyncio.gather(*(journal.open() for journal in journals))
        await asyncio.gather(*(journal.accept([NEW]) for journal in journals))
        for journal in journals:
            await journal.close()
        assert await size_of(tmp_path / "journal") == 8

    async def test_what_is_not_a_database_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("not a journal\n" * 100)
        with pytest.raises(ConfigError, match=r"notes\.txt") as refusal:
            await SqliteJournal(path).open()
        assert "another path" in (refusal.value.hint or "")
        assert path.read_text() == "not a journal\n" * 100

    async def test_the_database_of_another_program_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "other.sqlite3"
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE lanes (name TEXT)")
        with pytest.raises(ConfigError, match="not a journal"):
            await SqliteJournal(path).open()
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("SELECT name FROM sqlite_schema").fetchall() == [("lanes",)]

    async def test_one_that_was_emptied_begins_no_new_history(self, tmp_path: Path) -> None:
        path = tmp_path / "journal"
        await accepted_by(path)
        path.write_bytes(b"")
        with pytest.raises(ConfigError, match="is an empty file") as refusal:
            await SqliteJournal(path).open()
        assert "journal restore" in (refusal.value.hint or "")
        assert "remove the file" in (refusal.value.hint or "")
        assert path.read_bytes() == b""
        path.unlink()
        await accepted_by(path)
        assert names_in(tmp_path) == ["journal"], "no draft is left"

    @pytest.mark.parametrize("links", [True, False])
    async def test_a_new_one_is_never_seen_empty(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
    ) -> None:
        """Also where the file system has no links. It is readable by this user only."""
        if not links:
            monkeypatch.setattr(Path, "hardlink_to", denied)
        path = tmp_path / "journal"
        await accepted_by(path)
        assert await size_of(path) == 1
        assert path.stat().st_mode & 0o077 == 0
        assert names_in(tmp_path) == ["journal"]

    async def test_a_folder_is_no_journal(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError):
            await SqliteJournal(tmp_path).open()

    async def test_a_path_through_a_file_is_no_journal(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(ConfigError):
            await SqliteJournal(tmp_path / "file" / "journal").open()

    def test_only_kinds_that_exist_are_opened(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="redis"):
            open_journal("redis://localhost/0")
        journal = open_journal(tmp_path / "journal")
        assert isinstance(journal, SqliteJournal)
        assert journal.path == tmp_path / "journal"


class TestVersions:
    async def test_an_older_journal_is_brought_up_to_date(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, script = tmp_path / "journal", tmp_path / "second.sql"
        await accepted_by(path)
        script.write_text(
            "-- A later version; with a ';' in it.\nALTER TABLE lanes ADD COLUMN note TEXT;\nCREATE TABLE t (x);\n"
        )
        monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, script))
        assert await size_of(path) == 1
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
            assert db.execute("SELECT note FROM lanes").fetchall() == [(None,)]

    async def test_bodies_of_what_was_removed_before_are_emptied(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "journal"
        with monkeypatch.context() as patch:
            patch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:3])
            old = SqliteJournal(path)
            await old.open()
            await old.close()
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("INSERT INTO lanes (number, lane) VALUES (7, 'x')")
            db.execute("INSERT INTO sets VALUES (1, 7, 'device')")
            db.executemany("INSERT INTO known VALUES (1, ?, 3, 1, ?, 0)", [("gone", 0), ("here", 9)])
            db.executemany("INSERT INTO bodies VALUES (1, ?, ?)", [("gone", b"{g}"), ("here", b"{h}")])
        assert await size_of(path) == 0
        with closing(sqlite3.connect(path)) as db:
            rows = db.execute("SELECT id, body, run, delivery FROM bodies ORDER BY id").fetchall()
        assert rows == [("gone", b"", None, None), ("here", b"{h}", 3, None)]

    async def test_a_migration_that_fails_changes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, script = tmp_path / "journal", tmp_path / "second.sql"
        await accepted_by(path)
        script.write_text("CREATE TABLE t (x);\nALTER TABLE nothing ADD COLUMN note TEXT;\n")
        with monkeypatch.context() as patch:
            patch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, script))
            with pytest.raises(ConfigError, match="nothing"):
                await SqliteJournal(path).open()
        assert await size_of(path) == 1

    async def test_a_newer_journal_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "journal"
        await accepted_by(path)
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 99")
        with pytest.raises(ConfigError, match="newer proofport") as refusal:
            await SqliteJournal(path).open()
        assert "99" in refusal.value.message
        assert refusal.value.hint is not None


class TestNetworkFileSystems:
    MOUNTS = (
        "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
        "30 22 0:40 / /data rw - nfs4 server:/export rw,vers=4.2\n"
        "31 30 0:41 / /data/local rw,relatime - xfs /dev/vdb rw\n"
        "32 22 0:42 / /with\\040blank rw - fuse.sshfs me@host: rw\n"
        "33 22 0:43 / /over rw - ext4 /dev/vdc rw\n"
        "34 33 0:44 / /over rw master:1 propagate_from:2 - cifs //server/share rw\n"
        "35 22 0:45 / /mnt/c rw - 9p C:\\134 rw\n"
    )

    @pytest.fixture
    def mounts(self, tmp_path: Path) -> Path:
        path = tmp_path / "mountinfo"
        path.write_text(self.MOUNTS)
        return path

    @pytest.mark.parametrize(
        ("path", "kind"),
        [("/data/journal", "nfs4"), ("/with blank/j", "fuse.sshfs"), ("/over/x/journal", "cifs"), ("/mnt/c/j", "9p")],
    )
    def test_a_network_file_system_is_refused_by_name(self, mounts: Path, path: str, kind: str) -> None:
        with pytest.raises(ConfigError, match=kind) as refusal:
            database.refuse_network(Path(path), mounts)
        assert "local disk" in (refusal.value.hint or "")

    @pytest.mark.parametrize("path", ["/data/local/journal", "/database/journal", "/journal", "/overt/journal"])
    def test_a_local_one_is_not(self, mounts: Path, path: str) -> None:
        database.refuse_network(Path(path), mounts)

    def test_a_link_is_followed_to_where_it_leads(self, tmp_path: Path, mounts: Path) -> None:
        (tmp_path / "link").symlink_to("/data")
        with pytest.raises(ConfigError):
            database.refuse_network(tmp_path / "link" / "journal", mounts)

    def test_where_mounts_cannot_be_listed_nothing_is_refused(self, tmp_path: Path) -> None:
        database.refuse_network(Path("/data/journal"), tmp_path / "missing")

    async def test_a_journal_is_not_opened_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        mounts = tmp_path / "mountinfo"
        mounts.write_text("22 1 0:1 / / rw - nfs server:/ rw\n")
        monkeypatch.setattr(database, "MOUNTS", mounts)
        with pytest.raises(ConfigError, match="nfs"):
            await SqliteJournal(tmp_path / "journal").open()
        assert not (tmp_path / "journal").exists()


class TestTrouble:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "journal"

    async def test_a_full_disk_fails_what_does_not_fit_and_nothing_else(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connect = database.connect

        def small(*arguments: object, **options: object) -> sqlite3.Connection:
            db = connect(*arguments, **options)  # type: ignore[arg-type]
            db.execute("PRAGMA max_page_count = 100")
            return db

        await accepted_by(path)
        monkeypatch.setattr("proofport.journal.sqlite.writer.connect", small)
        journal = SqliteJournal(path)
        await journal.open()
        large = NewDelivery("a", "somewhere", "device", "upsert", bytes(2_000_000), 1)
        results = await asyncio.gather(*(journal.accept([one]) for one in (NEW, large, NEW)), return_exceptions=True)
        [error] = [result for result in results if isinstance(result, JournalError)][:1]
        assert "full" in error.message
        assert "room" in (error.hint or "")
        await journal.accept([NEW])
        kept = {delivery.id for delivery in await journal.find(Filter())}
        assert {number for result in results if isinstance(result, Submitted) for number in result.ids} <= kept
        assert all(delivery.payload == b"[]" for delivery in await journal.find(Filter()))
        await journal.close()

    async def test_a_request_that_fails_takes_nothing_from_the_others(self, path: Path) -> None:
        journal = SqliteJournal(path)
        await journal.open()
        broken = NewDelivery("a", "somewhere", "device", "upsert", None, 1)  # type: ignore[arg-type]
        results = await asyncio.gather(
            journal.accept([NEW]), journal.accept([NEW, broken]), journal.accept([NEW]), return_exceptions=True
        )
        assert [isinstance(result, JournalError) for result in results] == [False, True, False]
        assert len(await journal.find(Filter())) == 2
        await journal.close()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    async def test_a_read_only_journal_is_refused(self, path: Path) -> None:
        await accepted_by(path)
        os.chmod(path, 0o400)  # noqa: PTH101
        with pytest.raises(ConfigError, match="local, writable disk"):
            await SqliteJournal(path).open()

    async def test_a_journal_that_becomes_read_only_says_so(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        journal = SqliteJournal(path)
        await journal.open()
        await journal._store.writer.write(lambda db: db.execute("PRAGMA query_only = ON"))
        with pytest.raises(JournalError, match="read-only") as refusal:
            await journal.accept([NEW])
        assert refusal.value.hint
        await journal.close()

    async def test_a_damaged_journal_says_so(self, path: Path) -> None:
        await accepted_by(path, 2_000)
        damage_deliveries(path)
        journal = SqliteJournal(path)
        await journal.open()
        with pytest.raises(JournalError, match="damaged") as refusal:
            await journal.find(Filter(), limit=5_000)
        assert "backup" in (refusal.value.hint or "")
        await journal.close()

    async def test_a_lock_that_nobody_lets_go_of_is_named(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
        journal = SqliteJournal(path)
        await journal.open()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError, match="locked"):
                await journal.accept([NEW])
            other.execute("ROLLBACK")
        await journal.accept([NEW])
        await journal.close()

    async def test_a_claim_whose_asker_has_gone_holds_no_lane(self, path: Path) -> None:
        journal = SqliteJournal(path)
        await journal.open()
        await journal.accept([NEW])
        asking = asyncio.create_task(journal.claim(owner="gone", lease=60))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        for _ in range(2):  # the writer does one thing after the other: claim, this, release, this
            await journal.accept([NEW])
        assert [(lane.epoch, lane.owner) for lane in await journal.lanes()] == [(1, None)]
        assert await journal.claim(owner="next", lease=60) is not None
        await journal.close()


class TestBackup:
    async def test_a_backup_is_a_journal_of_its_own(self, tmp_path: Path) -> None:
        journal = SqliteJournal(tmp_path / "journal")
        await journal.open()
        await journal.accept([NEW] * 3)
        await journal.backup(tmp_path / "backup")
        await journal.accept([NEW])
        await journal.close()
        assert await size_of(tmp_path / "backup") == 3
        assert await size_of(tmp_path / "journal") == 4
        assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600

    async def test_a_backup_beside_running_work_is_whole(self, tmp_path: Path) -> None:
        """Each request accepts three, so that any other number would be a torn one."""
        journal = SqliteJournal(tmp_path / "journal")
        await journal.open()
        await journal.accept([NEW] * 3_000)
        stop = asyncio.Event()

        async def accept() -> None:
            while not stop.is_set():
                await journal.accept([NEW] * 3)

        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(accept())
            for number in range(3):
                await journal.backup(tmp_path / f"backup{number}")
            stop.set()
        await journal.close()
        sizes = [await size_of(tmp_path / f"backup{number}") for number in range(3)]
        assert all(size % 3 == 0 and size >= 3_000 for size in sizes)
        assert sizes == sorted(sizes)

    async def test_nothing_is_overwritten(self, tmp_path: Path) -> None:
        await accepted_by(tmp_path / "journal")
        (tmp_path / "backup").write_text("precious")
        journal = SqliteJournal(tmp_path / "journal")
        with pytest.raises(UsageError, match="exists"):
            await journal.backup(tmp_path / "backup")
        assert (tmp_path / "backup").read_text() == "precious"

    async def test_a_place_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        await accepted_by(tmp_path / "journal")
        with pytest.raises(UsageError, match="nowhere"):
            await SqliteJournal(tmp_path / "journal").backup(tmp_path / "nowhere" / "backup")
