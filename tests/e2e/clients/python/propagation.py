"""A service traced by ddtrace: it says which span it is in, and calls on if asked to.

python propagation.py PORT; GET /?next=URL
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from ddtrace.propagation.http import HTTPPropagator
from ddtrace.trace import tracer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        context = HTTPPropagator.extract(dict(self.headers))
        if context.trace_id:
            tracer.context_provider.activate(context)
        with tracer.trace("request") as span:
            answer = {
                "trace": format(span.trace_id, "032x"),
                "span": format(span.span_id, "016x"),
                "parent": format(span.parent_id, "016x") if span.parent_id else "",
                "injected": {},
            }
            following = parse_qs(urlsplit(self.path).query).get("next")
            if following:
                with tracer.trace("call") as call:
                    headers = {}
                    HTTPPropagator.inject(call.context, headers)
                    with urlopen(Request(following[0], headers=headers), timeout=10) as reply:
                        answer["next"] = json.load(reply)
            HTTPPropagator.inject(span.context, answer["injected"])
        tracer.context_provider.activate(None)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
