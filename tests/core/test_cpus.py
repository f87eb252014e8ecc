"""The CPUs that this process may use: its affinity, or less where a container limits it."""

import os

import pytest

from dubash.core import cpus


@pytest.fixture
def eight(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("max 100000", 8), ("200000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8), ("?", 8)],
)
def test_a_containers_limit_counts(eight, monkeypatch, tmp_path, written, expected):
    file = tmp_path / "cpu.max"
    file.write_text(written + "\n")
    monkeypatch.setattr(cpus, "_QUOTA", file)
    assert cpus.usable_cpus() == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("300000", 3)])
def test_the_older_kind_of_limit_too(eight, monkeypatch, tmp_path, quota, expected):
    files = tmp_path / "quota", tmp_path / "period"
    files[0].write_text(quota)
    files[1].write_text("100000")
    monkeypatch.setattr(cpus, "_QUOTA", tmp_path / "none")
    monkeypatch.setattr(cpus, "_QUOTA_V1", files)
    assert cpus.usable_cpus() == expected


def test_without_a_limit_the_affinity_counts(eight, monkeypatch, tmp_path):
    monkeypatch.setattr(cpus, "_QUOTA", tmp_path / "none")
    monkeypatch.setattr(cpus, "_QUOTA_V1", (tmp_path / "none", tmp_path / "none"))
    assert cpus.usable_cpus() == 8
