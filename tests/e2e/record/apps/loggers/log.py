"""Logs as Python's fluent-logger sends them.

python log.py HOST PORT COUNT
"""

import json
import sys

from fluent.sender import FluentSender

host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sender = FluentSender("shop", host=host, port=port, nanosecond_precision=True)
for i in range(count):
    record = {"level": ("INFO", "WARNING", "ERROR")[i % 7 % 3], "event": f"order {i * 37 % 5000} packed", "lineno": i % 400, "seconds": i / 7, "user": None if i % 4 else f"u{i}",
              "dd.trace_id": f"{i * 0x9E3779B97F4A7C15 % 2**128:032x}", "dd.span_id": str(i * 7919), "dd.service": "shop", "dd.env": "prod"}
    # Every other one is a line of JSON in one field, as a tail of a file makes it.
    sender.emit("worker", {"log": json.dumps(record)} if i % 2 else record)
sender.close()
