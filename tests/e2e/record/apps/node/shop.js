'use strict'
// The shop in Node: dd-trace with http traced by its integration, and spans as
// its SQL, cache and queue integrations make them.
//
// node shop.js PORT STOCK_URL

const tracer = require('dd-trace').init({ flushInterval: 1000, hostname: undefined })
const http = require('http')

const [port, stockURL] = process.argv.slice(2)

const within = (name, tags, work) => tracer.trace(name, { tags }, work)

function query (statement, rows) {
  within('pg.query', {
    'service.name': 'shop-db', 'resource.name': statement, 'span.type': 'sql', 'span.kind': 'client', component: 'pg', 'db.type': 'postgres',
    'db.name': 'shop', 'db.user': 'shop_rw', 'out.host': 'db-1.shop.internal', 'network.destination.port': 5432, 'db.pid': 1000 + rows,
  }, (span) => { if (rows % 11 === 0) span.setTag('error', new Error('canceling statement due to lock timeout')) })
}

const cached = (key) => within('redis.command', {
  'service.name': 'shop-cache', 'resource.name': 'get', 'span.type': 'redis', 'span.kind': 'client', component: 'redis',
  'redis.raw_command': `GET ${key}`, 'db.name': '0', 'out.host': 'cache-2.shop.internal', hit: key.length % 2 === 0,
}, () => {})

const stock = (article) => new Promise((resolve) => {
  http.get(`${stockURL}/stock/${article}`, (response) => response.resume().on('end', resolve)).on('error', resolve)
})

let jobs = []
function send (topic, size) {
  within('kafka.produce', {
    'service.name': 'shop-kafka', 'resource.name': topic, 'span.type': 'queue', 'span.kind': 'producer', component: 'kafkajs', 'messaging.system': 'kafka',
    'messaging.destination.name': topic, 'kafka.topic': topic, 'kafka.partition': size % 12, 'kafka.batch_size': 1,
  }, (span) => jobs.push({ context: span.context(), size }))
}

// Takes what has gathered at once and links its span to each producer's.
const consumer = setInterval(() => {
  const batch = jobs.splice(0, 5)
  if (batch.length === 0) return
  const span = tracer.startSpan('kafka.consume', { tags: {
    'service.name': 'shop-worker', 'resource.name': 'orders', 'span.type': 'worker', 'span.kind': 'consumer', component: 'kafkajs', 'messaging.system': 'kafka',
    'messaging.batch.message_count': batch.length,
  } })
  for (const job of batch) span.addLink({ context: job.context, attributes: { 'link.kind': 'message', size: job.size, list: ['a', 1] } })
  tracer.scope().activate(span, () => query(`UPDATE orders SET state = 'packed' WHERE id = ${batch[0].size}`, batch.length))
  span.finish()
}, 60)

const routes = {
  async orders (url, id) {
    cached(`order:${id}`)
    for (let i = 0; i <= id.length % 3; i++) query(`SELECT o.id, o.total, l.article FROM orders o JOIN lines l ON l.order_id = o.id WHERE o.id = ${id} LIMIT ${20 + i}`, i)
    await stock(url.search.length * 7 + id.length)
    return 200
  },
  async buy () {
    const size = Number(process.hrtime.bigint() % 100000n)
    within('order.validate', { rules: 14, 'customer.tier': 'gold' }, (span) => {
      span.addEvent('coupon applied', { coupon: `C${size}`, percent: 12.5, once: true, articles: [size, size + 1] })
      query(`SELECT price FROM articles WHERE id IN (${size}, ${size + 1}, ${size + 2})`, size)
    })
    query(`INSERT INTO orders (user_id, total) VALUES (${size}, ${size % 500}.99) RETURNING id`, 1)
    await stock(size)
    send('orders', size)
    return 201
  },
  async search (url) {
    const q = url.searchParams.get('q')
    cached(`search:${q}`)
    query(`WITH hits AS (SELECT article, ts_rank(words, plainto_tsquery('${q}')) AS rank FROM articles)\n` +
      'SELECT * FROM hits WHERE rank > 0.1 UNION ALL '.repeat(1 + q.length % 6) + `SELECT * FROM hits LIMIT ${url.searchParams.get('max')}`, q.length)
    return 200
  },
  async fail (url, kind) {
    try {
      within('payment.charge', { 'service.name': 'shop-payment', amount: 19.9, currency: 'EUR' }, () => {
        query(`SELECT balance FROM accounts WHERE id = ${url.searchParams.get('code')}`, 11)
        const cause = new TypeError(`charge card for code ${url.searchParams.get('code')}`)
        throw kind === 'nested' ? new Error('attempt 3', { cause }) : cause
      })
    } catch (error) {
      tracer.scope().active()?.setTag('error', error)
    }
    return 500
  },
  async report (url, day) {
    for (let i = 0; i < 8; i++) {
      within('report.part', { 'resource.name': `part ${i} of ${day}`, '_dd.measured': 1 }, () =>
        query(`SELECT count(*), sum(total) FROM orders WHERE day = '${day}' AND region = ${i}`, i))
    }
    return 200
  },
  async users (url, id) {
    tracer.setUser({ id, email: 'someone@example.com', role: 'buyer' })
    cached(`user:${id}`)
    query(`SELECT * FROM users WHERE uuid = '${id}'`, 1)
    return 200
  },
}

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://shop')
  const [, route, arg] = url.pathname.split('/')
  const work = request.method === 'POST' ? routes.buy : routes[route]
  request.resume()
  response.writeHead(work ? await work(url, arg ?? '') : 200).end('done\n')
})
server.listen(Number(port), '127.0.0.1')

process.on('SIGTERM', () => server.close(() => {
  clearInterval(consumer)
  setTimeout(() => process.exit(0), 2500) // dd-trace has no call that flushes and waits
}))
