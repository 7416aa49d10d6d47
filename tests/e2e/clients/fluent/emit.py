"""Sends count records with fluent-logger, which asks for no acknowledgement."""

import sys

from fluent import sender

tag, host, port, count = sys.argv[1:]
logger = sender.FluentSender(tag, host=host, port=int(port), nanosecond_precision=True)
for i in range(int(count)):
    if not logger.emit("python", {"log": f"line {i}", "n": i, "nested": {"list": [1, "a", None]}}):
        sys.exit(f"not sent: {logger.last_error}")
logger.close()
