'use strict'
// Clicks, and leaves the page, which makes the SDK send. Ends on SIGTERM.
//
// node drive.js PORT CHROMIUM PROFILE RECEIVER API

const { open, seen } = require('./open.js')

const [port, executablePath, profile, proxy, api] = process.argv.slice(2)

async function run() {
  const page = await open({ port, executablePath, profile, html: 'index.html', script: 'page.js', query: { proxy, api } })
  await page.click('#pay')
  await page.waitForFunction(() => document.getElementById('total').textContent === '42')
  // The click is an event of the SDK when the page has been quiet for a while.
  await seen(page, ['action Pay now', 'action Cart.total.Update', 'resource'])
  await page.goto('about:blank')
}

run().catch((error) => {
  console.error(error)
  process.exit(1)
})
