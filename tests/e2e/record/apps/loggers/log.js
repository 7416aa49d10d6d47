'use strict'
// Logs as fluent-logger sends them, in one of its modes.
//
// node log.js HOST PORT MODE COUNT

const [host, port, eventMode, count] = process.argv.slice(2)
const logger = require('fluent-logger').createFluentSender('shop', {
  host, port: Number(port), timeout: 5, eventMode, requireAckResponse: eventMode !== 'Message', sendQueueSizeLimit: 1 << 20, milliseconds: true,
})
const hex = (n, digits) => (n * 2654435761 % 2 ** 32).toString(16).padStart(digits, '0')
let left = Number(count)
const sent = (error) => {
  if (error) throw error
  if (--left === 0) logger.end(null, null, () => process.exit(0))
}
for (let i = 0; i < Number(count); i++) {
  logger.emit(['http', 'sql', 'cart'][i % 3], {
    level: ['info', 'warn', 'error'][i % 7 % 3], message: `GET /orders/${i * 37 % 5000} took ${i % 90} ms`, service: 'shop-api', pid: 4242, ms: i % 90 + 0.25, ok: i % 9 !== 0,
    dd: { trace_id: hex(i, 8) + hex(i + 1, 8), span_id: String(i * 7919), service: 'shop', version: '1.2.3' },
    ...(i % 5 === 0 && { user: { id: `u${i}`, roles: ['buyer', 'admin'].slice(i % 2) } }),
    ...(i % 9 === 0 && { error: `TypeError: no price\n    at price (/srv/shop/price.js:${i}:7)\n    at async buy (/srv/shop/buy.js:12:3)` }),
  }, sent)
}
