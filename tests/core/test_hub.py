"""The real client, asked for a hub that is not there."""

import os
import subprocess
import sys

PROGRAM = """
from dubash.core.hub import quiet_hub
quiet_hub()
quiet_hub()
from huggingface_hub.utils import http_backoff
from huggingface_hub.utils._http import logger
try:
    http_backoff("GET", "http://127.0.0.1:9/x", max_retries=3, base_wait_time=0.01)
except Exception as error:
    print(type(error).__name__)
logger.warning("Rate limited. Waiting 3s before retry [Retry 1/5].")
"""


def test_a_hub_that_does_not_answer_is_said_once():
    online = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=online, capture_output=True, text=True, check=True
    )
    assert done.stdout == "ConnectError\n"
    first, second = done.stderr.splitlines()
    assert first == "  the hub does not answer; asking again for half a minute …"
    assert second.startswith("Rate limited. Waiting 3s")
