'use strict'
// A service traced by dd-trace: it says which span it is in, and calls on if asked to.
//
// node propagation.js PORT; GET /?next=URL

const tracer = require('dd-trace').init({ service: 'node', flushInterval: 200, startupLogs: false, runtimeMetrics: false })
const http = require('http')

const server = http.createServer((request, response) => {
  const span = tracer.scope().active()
  const context = span.context()
  const answer = {
    trace: context.toTraceId(true),
    span: context.toSpanId(true),
    parent: context._parentId ? context._parentId.toString(16).padStart(16, '0') : '',
    next: null,
  }
  const end = () => {
    tracer.inject(span, 'http_headers', (answer.injected = {}))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer))
  }
  const next = new URL(request.url, 'http://localhost').searchParams.get('next')
  if (!next) return end()
  http.get(next, (reply) => {
    let body = ''
    reply.on('data', (part) => { body += part })
    reply.on('end', () => { answer.next = JSON.parse(body); end() })
  }).on('error', (error) => {
    response.statusCode = 502
    response.end(error.message)
  })
})

server.listen(Number(process.argv[2]), '127.0.0.1')
process.on('SIGTERM', () => server.close(() => process.exit(0)))
