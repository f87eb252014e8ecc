"""The training loop and its parts: order, batches, loss, optimizer, guard, checkpoints, signals."""
