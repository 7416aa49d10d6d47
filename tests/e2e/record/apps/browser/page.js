// The shop's page: what people do on pages, for the RUM SDK to report. The
// driver gives each visit its own seed.
import { datadogRum } from '@datadog/browser-rum'

const { proxy, api, seed } = Object.fromEntries(new URLSearchParams(location.search))
datadogRum.init({
  applicationId: 'a0000000-0000-4000-8000-0000000000aa',
  clientToken: 'pub0123456789abcdef0123456789abcdef',
  site: 'datadoghq.com', service: 'shop-web', env: 'prod', version: '1.2.3', proxy,
  sessionSampleRate: 100, sessionReplaySampleRate: 0, telemetrySampleRate: 100, traceSampleRate: 100,
  trackUserInteractions: true, trackResources: true, trackLongTasks: true, trackViewsManually: false,
  compressIntakeRequests: true, allowedTracingUrls: [api], enableExperimentalFeatures: ['feature_flags'],
})
datadogRum.setUser({ id: `user-${seed}`, name: 'Some One', email: 'someone@example.com', plan: ['free', 'pro'][seed % 2] })
datadogRum.setGlobalContextProperty('cart', { articles: Number(seed) % 7, total: seed * 1.5 })
datadogRum.addFeatureFlagEvaluation('new-checkout', seed % 2 === 0)

const on = (id, work) => document.getElementById(id).addEventListener('click', work)
const busy = (ms) => { for (const end = performance.now() + ms; performance.now() < end;); }

let articles = 0
on('add', async () => {
  articles++
  const response = await fetch(`${api}/stock/${seed * 10 + articles}?cart=${seed}`)
  datadogRum.addAction('Cart.articles.Update', { from: articles - 1, to: articles, status: response.status })
})
on('search', async () => {
  history.pushState({}, '', `/search/${['lamp', 'desk', 'oak chair'][articles % 3]}/${seed * 100 + articles}`)
  await Promise.all([1, 3, 7].map((n) => fetch(`${api}/stock/${seed}${articles}${n}`, { headers: { 'x-page': String(n) } })))
  datadogRum.addTiming('results shown')
})
on('pay', () => {
  history.pushState({}, '', `/checkout/${seed}`)
  busy(70 + (seed % 5) * 30)
  const request = new XMLHttpRequest()
  request.open('POST', `${api}/stock/${seed * 3 + articles}`)
  request.send(JSON.stringify({ card: 4242, articles }))
})
on('fail', () => {
  console.error(`coupon C${seed}${articles} is not known`)
  datadogRum.addError(new TypeError(`no price for article ${articles}`, { cause: new Error('the list is empty') }), { article: articles })
  if (articles % 2) throw new RangeError(`article ${articles} is out of range`)
  Promise.reject(new Error(`timeout after ${seed} ms`))
})
