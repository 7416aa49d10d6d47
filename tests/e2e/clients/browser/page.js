// The page: a click mutates state and asks the service.
import { datadogRum } from '@datadog/browser-rum'
import { tracedState } from './traced-state.js'

const { proxy, api } = Object.fromEntries(new URLSearchParams(location.search))

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
  telemetrySampleRate: 100,
  traceSampleRate: 100,
  trackUserInteractions: true,
  trackResources: true,
  compressIntakeRequests: true,
  allowedTracingUrls: [api],
  beforeSend: (event) => {
    window.seen.push(event.type === 'action' ? `${event.type} ${event.action.target.name}` : event.type)
    return true
  },
})
datadogRum.setUser({ id: 'user-42', name: 'Ada', email: 'ada@example.com' })

const cart = tracedState(datadogRum, 'Cart', { isLoading: false, draft: 0, status: 'open', total: 0 }, {
  deny: ['*.isLoading.Update'],
})

document.getElementById('pay').addEventListener('click', async () => {
  cart.isLoading = true
  cart.draft += 1
  cart.status = 'paying'
  const response = await fetch(`${api}/pay?card=4242`, { method: 'POST' })
  cart.total = (await response.json()).total
  cart.isLoading = false
  document.getElementById('total').textContent = String(cart.total)
})
