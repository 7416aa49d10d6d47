"""A Sanic service as its users write it: ddtrace, structlog and Fluent forward.

python app.py PORT FLUENT_HOST FLUENT_PORT
"""

import ddtrace.auto  # noqa: F401  (must come before what it patches)

import sys

import structlog
from ddtrace import tracer
from fluent.sender import FluentSender
from sanic import Sanic
from sanic.response import json

port, fluent_host, fluent_port = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


class ToFluent:
    """A structlog logger: one JSON line, one Fluent record, as Fluentd's in_tail makes it."""

    def __init__(self, sender):
        self.sender = sender

    def msg(self, line):
        if not self.sender.emit("sanic", {"log": line}):
            print("fluent:", self.sender.last_error, file=sys.stderr)
            self.sender.clear_last_error()

    debug = info = warning = error = critical = msg


fluent = ToFluent(FluentSender("app", host=fluent_host, port=fluent_port, nanosecond_precision=True))
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=lambda *_: fluent,
)
log = structlog.get_logger()
app = Sanic("profiles")


@app.get("/profile/<user>")
async def profile(request, user):
    with tracer.trace("db.update_user", service="profiles-db", resource="UPDATE users") as span:
        log.info("profile updated", user=user)
        log.error("replica is behind", lag_ms=2**63 + 25)
        return json({"trace_id": f"{span.trace_id:032x}", "span_id": str(span.span_id)})


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=port, single_process=True, access_log=False, motd=False)
