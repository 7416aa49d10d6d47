'use strict'
// The service behind the page, traced by dd-trace; its log goes through Fluent
// forward with the ids dd-trace injects.
//
// node service.js PORT FLUENT_HOST FLUENT_PORT

const [port, fluentHost, fluentPort] = process.argv.slice(2)
const tracer = require('dd-trace').init({ flushInterval: 200, startupLogs: false, runtimeMetrics: false, logInjection: true })
const http = require('http')
const fluent = require('fluent-logger').createFluentSender('shop-api', { host: fluentHost, port: Number(fluentPort), timeout: 3 })

function log(level, message, fields) {
  const record = { level, message, service: 'shop-api', ...fields }
  const span = tracer.scope().active()
  if (span) tracer.inject(span, 'log', record)
  fluent.emit('app', record)
}

const server = http.createServer((request, response) => {
  response.setHeader('access-control-allow-origin', request.headers.origin ?? '*')
  if (request.method === 'OPTIONS') {
    response.setHeader('access-control-allow-methods', 'POST')
    response.setHeader('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '')
    response.writeHead(204).end()
    return
  }
  if (request.method !== 'POST') return void response.end('ready')
  if (request.url.startsWith('/slow')) return // the page gives up
  tracer.trace('charge', { resource: 'charge card' }, () => log('info', 'card charged', { total: 42 }))
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ total: 42 }))
})

server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => server.close(() => fluent.end(null, null, () => process.exit(0))))
