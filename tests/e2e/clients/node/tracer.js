'use strict'
// A program traced by dd-trace: it makes a trace of two spans, lets the tracer flush, and does so again.
// What the tracer logs as an error goes to stdout, a line each, beginning with "error: "; DD_TRACE_DEBUG=true makes it log.
//
// node tracer.js TRACES; where to send is DD_TRACE_AGENT_URL

const error = (message) => console.log('error:', String(message).split('\n')[0])
const tracer = require('dd-trace').init({
  service: 'shop', env: 'prod', version: '1.2.3', flushInterval: 10, startupLogs: false, runtimeMetrics: false,
  logger: { error, warn: () => {}, info: () => {}, debug: () => {} },
})

function trace () {
  const server = tracer.startSpan('web.request', { tags: {
    'resource.name': 'GET /api/order', 'span.type': 'web', 'span.kind': 'server', 'http.method': 'GET', 'http.status_code': '200',
  } })
  const query = tracer.startSpan('postgresql.query', { childOf: server, tags: {
    'resource.name': 'SELECT 1', 'span.type': 'sql', 'span.kind': 'client', 'db.type': 'postgres', 'db.name': 'd', 'service.name': 'shop-pg', n: 3,
  } })
  query.addLink({ context: server.context(), attributes: { a: 'b' } })
  query.addEvent('ev', { k: 'v', n: 1, d: 1.5, b: true, arr: ['x', 'y'] }, 1800000000000)
  query.setTag('error', new Error('boom'))
  query.finish()
  server.finish()
  return server.context().toTraceId(true)
}

let left = Number(process.argv[2])
const timer = setInterval(() => {
  if (left-- > 0) return console.log('trace:', trace())
  clearInterval(timer)
  // The last flush and its answer.
  setTimeout(() => process.exit(0), 1500)
}, 25)
