"""`python -m dubash`, as `torchrun` starts it."""

from dubash.cli import main

main()
