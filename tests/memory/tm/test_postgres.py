"""The memory in a shared database: a real server, started for these tests."""

import os
import random
import signal
import subprocess
import sys
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dubash.core.errors import DataError, UserError
from dubash.core.languages import LanguagePair, language
from dubash.memory.tm.match import Query
from dubash.memory.tm.opened import open_memory
from dubash.memory.tm.search import search
from dubash.stages.memory import export, import_files
from memory.tm.server import programs, running
from memory.tm.test_sqlite import SCRIPTS, unit
from memory.units_made import units

psycopg = pytest.importorskip("psycopg")
pytestmark = pytest.mark.skipif(programs() is None, reason="no PostgreSQL server is installed")

WORDS = (
    "open", "close", "the", "file", "window", "of", "menu", "याद", "करो", "फ़ाइल", "開く",
    "ウィンドウ", "100%", "_", "\\",
)  # fmt: skip
"""Some that mean something to LIKE."""

_numbers = count()


@pytest.fixture(scope="module")
def server():
    with running(programs()) as address:
        yield address


def database(server, locale="C.UTF-8"):
    """The address of a new, empty database."""
    name = f"memory{next(_numbers)}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as base:
        base.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE '{locale}'")
    return server.format(name)


@pytest.fixture
def address(server):
    return database(server)


def filled(address, made):
    memory = open_memory(address, new=True)
    for _ in memory.add(made):
        pass
    return memory


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(units(), min_size=1, max_size=8, unique=True))
def test_what_is_added_is_what_is_there(server, made):
    address = database(server)
    with filled(address, made):
        pass
    with open_memory(address) as memory:
        assert list(memory.all()) == made
        assert len(memory) == len(made)
        assert [(each.new, each.known) for each in memory.add(made)] == [(0, len(made))]
        for each in made:
            assert each in [found for _, found in memory.exact(each.source)]


@pytest.mark.parametrize(("_language", "there", "asked"), SCRIPTS)
def test_a_like_segment_is_found_in_any_script(address, _language, there, asked):
    with filled(address, [unit(text) for _, text, _ in SCRIPTS]) as memory:
        [match] = search(memory, Query(asked), 60, 5)
        assert match.unit.source == there


def test_it_finds_what_the_file_finds(address, tmp_path):
    drawn = random.Random(3)
    made = [unit(" ".join(drawn.choices(WORDS, k=drawn.randint(4, 9)))) for _ in range(600)]
    asked = [" ".join([*each.source.split()[:-1], drawn.choice(WORDS)]) for each in made[:60]]
    with filled(address, made) as shared, filled(str(tmp_path / "memory.db"), made) as file:
        found = [
            [[(each.percent, each.unit.source) for each in search(memory, Query(text), 70, 3)]
             for text in asked]
            for memory in (shared, file)
        ]  # fmt: skip
    assert found[0] == found[1]
    assert sum(map(bool, found[0])) > 20


def test_the_commands_take_an_address(address, tmp_path):
    (tmp_path / "old.tsv").write_text("Open\tAbrir\nClose\tCerrar\n", encoding="utf-8")
    pair = LanguagePair(language("en"), language("es"))
    import_files(address, [tmp_path / "old.tsv"], pair)
    export(address, tmp_path / "memory.tsv", None)
    assert len((tmp_path / "memory.tsv").read_text(encoding="utf-8").splitlines()) == 3


_IMPORT = """
import sys
from dubash.memory.tm import postgres
from dubash.memory.tm.unit import TranslationUnit
postgres.BATCH = 200
memory = postgres.PostgresMemory(sys.argv[1], new=True)
made = (TranslationUnit(f"segment number {n} of many", "x", "en", "es") for n in range(10**7))
for added in memory.add(made):
    print(added.new, flush=True)
"""


def test_a_kill_in_mid_import_loses_nothing_that_was_acknowledged(address):
    process = subprocess.Popen(
        [sys.executable, "-c", _IMPORT, address], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = sum(int(process.stdout.readline()) for _ in range(3))
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += sum(int(line) for line in process.stdout.read().split())
    process.wait()
    with open_memory(address) as memory:
        held = {each.source for each in memory.all()}
    assert all(f"segment number {n} of many" in held for n in range(acknowledged))


def test_what_cannot_be_used_is_said(server, address):
    with pytest.raises(DataError, match="a database without a translation memory"):
        open_memory(address)
    with pytest.raises(DataError, match="takes no character beyond ASCII for a letter"):
        open_memory(database(server, "C"), new=True)
    with pytest.raises(DataError, match="nowhere"):
        open_memory(server.format("nowhere"))
    with pytest.raises(UserError, match="an address with a password"):
        open_memory("postgresql://ana:secret@localhost/memory")
    with filled(address, []):
        pass
    with psycopg.connect(address) as base:
        base.execute("UPDATE dubash.about SET version = 99")
    with pytest.raises(DataError, match="a memory of version 99"):
        open_memory(address)
