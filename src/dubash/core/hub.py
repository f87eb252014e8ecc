"""The hub's client: what it says of a hub that does not answer, in one line instead of eleven."""

from __future__ import annotations

import logging

from dubash.core.progress import say

_LOGGER = "huggingface_hub.utils._http"


class _Once(logging.Filter):
    """Drops the client's lines on each failed try and says so once; other lines pass, such as those
    on a limit of requests."""

    said = False

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        if "thrown while requesting" not in line and not line.startswith("Retrying in"):
            return True
        if not self.said:
            self.said = True
            say("  the hub does not answer; asking again for half a minute …")
        return False


def quiet_hub() -> None:
    """Turn the lines on failed tries down. How often the client tries stays as it is."""
    logger = logging.getLogger(_LOGGER)  # the library is not loaded for it
    if not any(isinstance(each, _Once) for each in logger.filters):
        logger.addFilter(_Once())
