"""The shop in Python: ddtrace with Sanic, sqlite3 and http.client traced by its integrations.

python shop.py PORT STOCK_URL; SHOP_DATABASE is a file to make
"""

import ddtrace.auto  # noqa: F401  (must come before what it patches)

import asyncio
import os
import signal
import sqlite3
import sys
import time
import urllib.parse
from http.client import HTTPConnection

from ddtrace import tracer
from ddtrace.trace import Context
from sanic import Sanic
from sanic.response import text

port, stock_url = int(sys.argv[1]), urllib.parse.urlparse(sys.argv[2])
app = Sanic("shop")
database = sqlite3.connect(os.environ["SHOP_DATABASE"])
database.execute("CREATE TABLE orders (id INTEGER, total REAL, day TEXT, region INTEGER, state TEXT, user TEXT)")
jobs = []


def query(statement, *args):
    return database.execute(statement, args).fetchall()


def cached(key):
    with tracer.trace("redis.command", service="shop-cache", resource="GET", span_type="redis") as span:
        span.set_tags({"span.kind": "client", "component": "redis", "redis.raw_command": f"GET {key}", "out.host": "cache-2.shop.internal"})
        span.set_metric("redis.args_length", 2)


def stock(article):
    connection = HTTPConnection(stock_url.hostname, stock_url.port)
    connection.request("GET", f"/stock/{article}")
    connection.getresponse().read()
    connection.close()


def send(topic, size):
    with tracer.trace("kafka.produce", service="kafka", resource=topic, span_type="worker") as span:
        span.set_tags({"span.kind": "producer", "component": "kafka", "messaging.system": "kafka", "messaging.destination.name": topic})
        span.set_metric("kafka.partition", size % 12)
        jobs.append((span.context, size))


async def consume():
    """Takes what has gathered at once and links its span to each producer's."""
    while True:
        await asyncio.sleep(0.06)
        batch, jobs[:] = jobs[:5], jobs[5:]
        if not batch:
            continue
        tracer.context_provider.activate(Context())
        with tracer.trace("kafka.consume", service="shop-worker", resource="orders", span_type="worker") as span:
            span.set_tags({"span.kind": "consumer", "component": "kafka", "messaging.system": "kafka"})
            for context, size in batch:
                span.set_link(context.trace_id, context.span_id, flags=1, attributes={"link.kind": "message", "size": size, "list": ["a", "b"]})
            query(f"UPDATE orders SET state = 'packed' WHERE id = {batch[0][1]}")


@app.get("/ready")
async def ready(request):
    return text("ready")


@app.get("/orders/<order>")
async def order_page(request, order):
    cached(f"order:{order}")
    for i in range(1 + len(order) % 3):
        query(f"SELECT id, total, state FROM orders WHERE id = {order} ORDER BY id LIMIT {20 + i}")
    stock(len(request.query_string) * 7 + len(order))
    return text(order)


@app.post("/orders")
async def buy(request):
    size = time.time_ns() // 1000 % 100_000
    with tracer.trace("order.validate") as span:
        span.set_tags({"customer.tier": "gold", "rules": 14})
        span._add_event("coupon applied", {"coupon": f"C{size}", "percent": 12.5, "once": True, "articles": [size, size + 1]})  # what its OpenTelemetry API calls
        query(f"SELECT total FROM orders WHERE id IN ({size}, {size + 1}, {size + 2})")
    query("INSERT INTO orders (id, total) VALUES (?, ?)", size, size % 500)
    database.commit()
    stock(size)
    send("orders", size)
    return text("bought", status=201)


@app.get("/search")
async def search(request):
    q = request.args.get("q", "")
    cached(f"search:{q}")
    query(f"WITH hits AS (SELECT * FROM orders WHERE state = '{q}')\n" + "SELECT * FROM hits WHERE total > 1 UNION ALL " * (1 + len(q) % 6)
          + f"SELECT * FROM hits LIMIT {request.args.get('max')}")
    return text(q)


@app.get("/fail/<kind>")
async def fail(request, kind):
    with tracer.trace("payment.charge", service="shop-payment") as span:
        span.set_tag("currency", "EUR")
        span.set_metric("amount", 19.9)
        try:
            query(f"SELECT balance FROM accounts WHERE id = {request.args.get('code')}")  # there is no such table
        except sqlite3.Error as error:
            if kind == "nested":
                raise RuntimeError(f"charge card for code {request.args.get('code')}") from error
            raise


@app.get("/report/<day>")
async def report(request, day):
    for i in range(8):
        with tracer.trace("report.part", resource=f"part {i} of {day}"):
            query(f"SELECT count(*), sum(total) FROM orders WHERE day = '{day}' AND region = {i}")
    return text(day)


@app.get("/users/<user>/profile")
async def profile(request, user):
    if span := tracer.current_span():
        span.set_tags({"usr.id": user, "usr.email": "someone@example.com", "usr.role": "buyer"})
    cached(f"user:{user}")
    query("SELECT * FROM orders WHERE user = ?", user)
    return text(user)


app.add_task(consume())

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: app.stop())
    app.run(host="127.0.0.1", port=port, single_process=True, access_log=False, motd=False)
    tracer.flush()
