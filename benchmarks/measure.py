"""One case, from its checkpoints to its result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Literal

from benchmarks.cases import Case
from benchmarks.check import compare_training, compare_translation, holds, summary
from benchmarks.duel import ROOT, WorkerDiedError, environment, interleaved, once, workers
from benchmarks.job import Job
from benchmarks.variants import BATCH
from dubash.core.errors import UserError
from dubash.core.progress import say
from dubash.core.run import commit, machine, versions

MEMORY_ROUNDS = 2
"""Steps before the peak is read: the optimizer's state is there from the second on."""

TRIED_ROUNDS = 2
"""Rounds of each setup of a peer, of which the faster is taken for its time."""

CLOSE = 1.2
"""The two fastest setups run again, in turns, where the second takes at most so many times as long:
the fastest of many single rounds may only have been lucky."""

FINAL_ROUNDS = 2
"""Rounds of each of the two, after a warm-up."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a case is run; see `benchmarks.run`."""

    pairs: int = 5
    rows: Literal["manythings", "lognormal"] = "manythings"
    per_round: int | None = None
    dtype: Literal["fp32", "bf16"] = "fp32"
    device: Literal["cpu", "cuda"] = "cpu"
    seed: int = 1
    peak_tflops: float | None = None

    @property
    def threads(self) -> int:
        """All cores that this process may use."""
        return len(os.sched_getaffinity(0))


Tried = dict[str, dict[str, Any]]
"""What each setup of a peer took in a round, for cases that have the same peer on the same rows."""


def measure(case: Case, settings: Settings, tried: Tried) -> dict[str, Any]:
    """The case's result, as it stands in results.json; adds to `tried`. Raises UserError where it
    cannot be run."""
    say(f"▸ {case.name}: {case.work} against {case.peer}")
    prepared = _prepare(case, settings)
    result: dict[str, Any] = {
        "case": case.name, "work": case.work, "peer": case.peer, "kind": case.kind,
        "wanted": case.wanted, "rows": prepared["facts"],
        "models": {who: prepared[who] for who in ("ours", "theirs")},
        "dtype": settings.dtype, "device": settings.device, "threads": settings.threads,
        "batch": BATCH if case.kind == "train" else None, "seed": settings.seed,
        "peak_tflops": settings.peak_tflops,
        "date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(),
        "versions": {**versions(), **_peer_versions()}, "commit": commit(),
        "command": " ".join([f"python -m {__package__}.run", *sys.argv[1:]]),
    }  # fmt: skip
    ours = _job(case, settings, prepared, "ours", "")
    try:
        if case.kind == "memory":
            return result | _memory(case, settings, prepared, ours)
        return result | _speed(case, settings, prepared, ours, tried)
    except WorkerDiedError as died:
        say(f"  invalid: {died}")
        return result | {"invalid": str(died)}


def _speed(
    case: Case, settings: Settings, prepared: dict[str, Any], ours: Job, known: Tried
) -> dict[str, Any]:
    variant, tried = _fastest(case, settings, prepared, known)
    theirs = _job(case, settings, prepared, "theirs", variant)
    facts, other, pairs = interleaved(ours, theirs, settings.pairs, settings.threads)
    for pair in pairs:
        say(
            f"  ours {pair['ours']['seconds']:.2f}s · theirs {pair['theirs']['seconds']:.2f}s · "
            f"{pair['ratio']:.2f}×"
        )
    check = _check(case, settings, prepared, pairs[-1], other)
    for answer in (*tried.values(), *(pair[who] for pair in pairs for who in ("ours", "theirs"))):
        answer.pop("texts", None)  # looked at; one hash a row is too much to keep
    found = {
        "variant": variant, "tried": tried, "ours": facts, "theirs": other, "pairs": pairs,
        "check": check,
        **summary([pair["ratio"] for pair in pairs]),
    }  # fmt: skip
    return _judged(case, found)


def _memory(case: Case, settings: Settings, prepared: dict[str, Any], ours: Job) -> dict[str, Any]:
    theirs = _job(case, settings, prepared, "theirs", case.variants[0])
    facts: dict[str, Any] = {}
    pairs: list[dict[str, Any]] = []
    found: dict[str, Any] = {"variant": case.variants[0], "pairs": pairs}
    for _ in range(settings.pairs):  # of fresh processes
        mine, (*_, answer) = once(ours, settings.threads, MEMORY_ROUNDS)
        try:
            other, (*_, reply) = once(theirs, settings.threads, MEMORY_ROUNDS)
        except WorkerDiedError as died:
            if not died.out_of_memory:
                raise
            # it needed more than there was: the ratio is at most this
            found["note"] = str(died)
            other, reply = {}, {"peak_mb": died.peak}
        facts = {"ours": mine, "theirs": other}
        ratio = answer["peak_mb"] / reply["peak_mb"]
        say(f"  ours {answer['peak_mb']:,.0f} MB · theirs {reply['peak_mb']:,.0f} MB · {ratio:.2f}")
        pairs.append({"ratio": ratio, "ours": answer, "theirs": reply})
    check = {"invalid": ""}
    if "note" not in found:
        check = _check(case, settings, prepared, pairs[-1], facts["theirs"])
    ratios = summary([pair["ratio"] for pair in pairs])
    judged = _judged(case, {**found, **facts, "check": check, **ratios})
    if "note" in found and not judged["holds"]:  # a bound that is not enough says nothing
        judged["holds"] = None
    return judged


def _judged(case: Case, found: dict[str, Any]) -> dict[str, Any]:
    invalid = found["check"]["invalid"]
    if invalid:
        say(f"  invalid: {invalid}")
        return {**found, "invalid": invalid, "holds": None}
    return {**found, "invalid": "", "holds": holds(found["median"], case.wanted, case.kind)}


def _fastest(
    case: Case, settings: Settings, prepared: dict[str, Any], known: Tried
) -> tuple[str, dict[str, Any]]:
    """The peer's fastest setup, each by the better of two rounds, and what each took."""
    if len(case.variants) == 1:
        return case.variants[0], {}
    # two cases may have the same peer on the same rows
    key = repr((case.variants, _job(case, settings, prepared, "theirs", "")))
    if key not in known:
        known[key] = _try(case, settings, prepared)
    tried = known[key]
    worked = [variant for variant in tried if "seconds" in tried[variant]]
    if not worked:
        raise UserError("no setup of the peer ran.", where=case.name, fix="See its log above.")
    first, *others = sorted(worked, key=lambda variant: float(tried[variant]["seconds"]))
    if others and tried[others[0]]["seconds"] <= CLOSE * tried[first]["seconds"]:
        if "again" not in tried[first]:
            _again(case, settings, prepared, {name: tried[name] for name in (first, others[0])})
        first = min(first, others[0], key=lambda variant: sum(tried[variant]["again"]))
    return first, tried


def _again(
    case: Case, settings: Settings, prepared: dict[str, Any], tried: dict[str, dict[str, Any]]
) -> None:
    """Let two setups of a peer take turns; adds `again`, the seconds of each round, to both."""
    jobs = [_job(case, settings, prepared, "theirs", variant) for variant in tried]
    with workers(jobs, settings.threads) as pair:
        for worker in pair:
            worker.ready()
        rounds = [[worker.round()["seconds"] for worker in pair] for _ in range(FINAL_ROUNDS + 1)]
    for (variant, found), *seconds in zip(tried.items(), *rounds[1:], strict=True):
        found["again"] = seconds
        say(f"  {variant} again: {', '.join(f'{each:.2f}s' for each in seconds)}")


def _try(case: Case, settings: Settings, prepared: dict[str, Any]) -> dict[str, Any]:
    tried: dict[str, Any] = {}
    whole = prepared["facts"]["prompt_tokens"] + prepared["facts"]["target_tokens"]
    for variant in case.variants:
        try:
            job = _job(case, settings, prepared, "theirs", variant)
            facts, rounds = once(job, settings.threads, TRIED_ROUNDS)
            found = min(rounds, key=lambda each: each["seconds"])
            if case.kind == "train" and found["tokens"] != whole:
                say(f"  {variant}: trains {found['tokens']} of {whole} tokens, and is left out")
                tried[variant] = {"lost": whole - found["tokens"]}
                continue
            tried[variant] = {**found, "facts": facts}
            say(f"  {variant}: {found['seconds']:.2f}s")
        except WorkerDiedError as died:
            tried[variant] = {"died": str(died)}
            say(f"  {died}")
    return tried


def _check(
    case: Case,
    settings: Settings,
    prepared: dict[str, Any],
    pair: dict[str, Any],
    facts: dict[str, Any],
) -> dict[str, Any]:
    if case.kind == "translate":
        same = case.worker == "ct2" and case.same_model
        return compare_translation(pair["ours"], pair["theirs"], case.real_ends, same)
    reference, precision = pair["theirs"], settings.dtype
    if not case.same_model:  # a softmax over fewer tokens: a trainer on our shape says what is due
        job = _job(case, settings, prepared, "ours", "default", worker="trainer")
        reference = once(job, settings.threads)[1][-1]
    elif facts.get("bf16") == "True":
        precision = "bf16"
    return compare_training(pair["ours"], pair["theirs"], reference, precision)


def _job(
    case: Case,
    settings: Settings,
    prepared: dict[str, Any],
    who: Literal["ours", "theirs"],
    variant: str,
    worker: str = "",
) -> Job:
    ours = "ours-translate" if case.kind == "translate" else "ours-train"
    return Job(
        worker=worker or (ours if who == "ours" else case.worker), variant=variant,
        checkpoint=prepared[who]["checkpoint"], model_name=prepared[who]["model_name"],
        rows=prepared["rows"], kind=prepared["kind"], method=case.method,
        optimizer=case.optimizer, batch=0 if case.kind == "memory" else BATCH, dtype=settings.dtype,
        device=settings.device, new_tokens=case.new_tokens, ends=tuple(prepared["ends"]),
        seed=settings.seed, limit_memory=case.kind == "memory",
    )  # fmt: skip


def _prepare(case: Case, settings: Settings) -> dict[str, Any]:
    """In a process of its own, so that the runner stays small."""
    count = settings.per_round or case.count
    told = [case.name, settings.rows, str(count), str(settings.seed)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.prepare", *told],
        cwd=ROOT, env=environment(settings.threads, True), stdout=subprocess.PIPE, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise UserError("its checkpoints or rows could not be made (see above).", where=case.name)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peer_versions() -> dict[str, str]:
    found = {}
    for package in ("trl", "datasets", "liger-kernel"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
