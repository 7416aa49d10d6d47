// A small shop in which things go wrong.
import { datadogRum } from '@datadog/browser-rum'

const { proxy, api, dead } = Object.fromEntries(new URLSearchParams(location.search))

window.seen = [] // what the SDK will send, for the driver to wait on
datadogRum.init({
  applicationId: 'a0000000-0000-4000-8000-0000000000aa',
  clientToken: 'pub0123456789abcdef0123456789abcdef',
  site: 'datadoghq.com',
  service: 'shop-web',
  env: 'e2e',
  version: '1.0.0',
  proxy,
  sessionSampleRate: 100,
  sessionReplaySampleRate: 0,
  traceSampleRate: 100,
  trackUserInteractions: true,
  trackResources: true,
  compressIntakeRequests: true,
  allowedTracingUrls: [api, dead],
  beforeSend: (event) => {
    if (event.type === 'action') window.seen.push(`action ${event.action.target.name}`)
    else if (event.type === 'resource') window.seen.push(`resource ${new URL(event.resource.url).pathname} ${event.resource.status_code}`)
    else if (event.type === 'error') window.seen.push(`error ${event.error.message}`)
    return true
  },
})

const on = (id, handler) => document.getElementById(id).addEventListener('click', handler)
const say = (text) => { document.getElementById('said').textContent = text }
const post = (path, options) => fetch(api + path, { method: 'POST', ...options })

function checkStock(product) {
  if (product.stock === 0) throw new Error(`no stock of ${product.name}`)
}

on('buy', async () => {
  const response = await post('/pay?card=4242')
  say((await response.json()).total)
  checkStock({ name: 'socks', stock: 0 })
})
on('throw', () => {
  say('throwing')
  checkStock({ name: 'hats', stock: 0 })
})
on('dead', async () => {
  say('dead')
  await fetch(dead + '/gone').catch(() => say('unreachable'))
})
on('abort', async () => {
  const gaveUp = new AbortController()
  setTimeout(() => gaveUp.abort(), 50)
  await post('/slow', { signal: gaveUp.signal }).catch(() => say('gave up'))
})
on('details', async () => {
  history.pushState({}, '', '/product/4711' + location.search)
  const response = await post('/details')
  say((await response.json()).total)
})

// No click begins these. What is fetched before the SDK's session is there has no
// trace. The answer of the first is opaque: the page may not read it.
const pause = () => new Promise((resolve) => { setTimeout(resolve, 50) })
async function open() {
  while (!datadogRum.getInternalContext()) await pause()
  fetch(api + '/opaque', { mode: 'no-cors' })
  await pause()
  post('/stock')
  await pause()
  setTimeout(() => checkStock({ name: 'gloves', stock: 0 }))
}
open()
