"""A plan as a table to read, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dubash.core.progress import spell
from dubash.model.options import MethodOptions
from dubash.stages.plan import UNKNOWN, Plan, as_numbers

if TYPE_CHECKING:
    from dubash.plan.fitting import Change

_GB, _MB = 10**9, 10**6
_METHODS: dict[str, str] = {
    "full": "every weight", "lora": "adapters", "qlora": "adapters over 4-bit NF4",
    "lora-int8": "adapters over int8",
}  # fmt: skip


def print_json(plan: Plan) -> None:
    """The numbers alone, on standard output."""
    typer.echo(json.dumps(as_numbers(plan), ensure_ascii=False, indent=2))


def print_table(plan: Plan) -> None:
    """The whole plan; its last line says whether the run fits."""
    console = Console(highlight=False)
    for title, rows in (
        ("model", _model(plan)),
        (f"memory at its peak{_each(plan)}", _memory(plan)),
        ("work", _work(plan)),
        ("disk", _disk(plan)),
    ):
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), title_justify="left")
        table.add_column(width=30)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(style="dim")
        for row in rows:
            table.add_row(*(Text(each) for each in row))
        console.print(Text(title, "bold"))
        console.print(table)
    if plan.changes:
        console.print(Text("what would make it fit", "bold"))
        for change in plan.changes:
            for line in _change(change):
                console.print(Text(f"  {line}"), soft_wrap=True)
    console.print(_verdict(plan), soft_wrap=True)


def _each(plan: Plan) -> str:
    """Memory is that of a process, which has its own device, or its share of a CPU's memory."""
    processes = plan.recipe.train.processes
    return f", for each of {processes} processes" if processes > 1 else ""


def size(number: float) -> str:
    """Bytes as a person reads them; GB and MB are 10^9 and 10^6, as makers and disks have them."""
    return f"{number / _GB:.2f} GB" if number >= _GB / 10 else f"{number / _MB:.1f} MB"


def _model(plan: Plan) -> list[tuple[str, str, str]]:
    counted = plan.reckoned.counted
    method: MethodOptions = plan.recipe.method
    rows = [
        (plan.shape.name, "", f"configuration: {plan.shape.origin}"),
        ("parameters", f"{counted.parameters:,}", plan.vocabulary or ""),
        (
            "trainable", f"{counted.trainable:,}",
            f"{counted.trainable / counted.parameters:.2%}: {_METHODS[method.name]}",
        ),
    ]  # fmt: skip
    quantized = method.name in ("qlora", "lora-int8")
    for role, each in counted.roles.items():
        words = f"{each.parameters:,} parameters"
        if quantized and role not in ("layers", "adapters"):
            words += ", not quantised"
        rows.append((f"  {role}", size(each.bytes), words))
    return rows


def _memory(plan: Plan) -> list[tuple[str, str, str]]:
    """The moment that decides whether it fits; what the system takes back does not."""
    memory, largest = plan.reckoned.tightest, plan.reckoned.memory
    rows = [(f"  {name}", size(part), "") for name, part in memory.parts.items() if part]
    rows.append(("in all", size(memory.peak), f"in {memory.moment}, {plan.device.dtype}"))
    if memory.peak > memory.needed:
        words = "without the file, which the system takes back where memory is short"
        rows.append(("needed", size(memory.needed), words))
    if largest.peak > memory.peak:
        rows.append(("counted at most", size(largest.peak), f"in {largest.moment}, files included"))
    free = "free now" if plan.device.here else "as published"
    if plan.device.kind == "cpu" and plan.recipe.train.processes > 1:
        free = "an even share of what is free now"
    rows.append(("of", size(plan.device.memory), f"{plan.device.name}, {free}"))
    return rows


def _work(plan: Plan) -> list[tuple[str, str, str]]:
    workload, times, passes = plan.workload, plan.times, plan.reckoned.passes
    about = "" if workload.exact else "about "
    if workload.rows is None:
        count = (f"training rows, taken as {UNKNOWN:,}", "?", workload.origin)
    else:
        count = ("training rows", f"{about}{workload.rows:,}", workload.origin)
    how = "computed from published figures, never measured"
    if times.measured is not None:
        how = f"operations timed here ({times.measured:.0%} of a pass), then counted"
    looks = "" if plan.recipe.train.dev_sample == 0 or not workload.dev_rows else (
        "; translating dev rows comes on top"
    )  # fmt: skip
    return [
        count,
        ("tokens", f"{about}{plan.tokens:,.0f}", ""),
        ("steps", f"{about}{plan.steps:,.0f}", f"{passes.a_step:.1f} forward passes each"),
        ("time of a step", f"{times.a_step:.2f} s", how),
        ("time of training", spell(times.training), f"without loading and saving{looks}"),
    ]


def _disk(plan: Plan) -> list[tuple[str, str, str]]:
    rows = [(f"  {name}", size(part), "") for name, part in plan.disk.items() if part]
    free = f"of {size(plan.disk_free)} free" if plan.device.here else ""
    return [*rows, ("in all", size(sum(plan.disk.values())), free)]


def _change(change: Change) -> Iterator[str]:
    """What it comes to, then each setting with what it loses."""
    time = "as fast"
    if not 0.95 <= change.slower <= 1.05:
        time = f"{change.slower:.1f} × the time"
    need = f"{size(change.reckoned.needed)}, {time}"
    yield f"{' '.join(change.settings)}: {need}"
    for setting, loses in zip(change.settings, change.loses, strict=True):
        yield f"    {setting.partition('=')[0]} loses {loses}"


def _verdict(plan: Plan) -> Text:
    where = ("this machine" if plan.device.here else plan.device.name) + _each(plan)
    peak, room = plan.reckoned.needed, plan.device.memory
    if plan.fits:
        return Text(f"it fits: {size(peak)} of {size(room)} on {where}", "green")
    disk = f"{size(sum(plan.disk.values()))} of disk are needed, {size(plan.disk_free)} free"
    if plan.reckoned.fits(plan.device):
        return Text(f"it does not fit: {disk}", "red")
    more = "" if plan.enough_disk else f"; {disk}"
    more += "" if plan.changes else "; no change known here makes it fit: take a smaller model"
    return Text(f"it does not fit: {size(peak)} of {size(room)} on {where}{more}", "red")
