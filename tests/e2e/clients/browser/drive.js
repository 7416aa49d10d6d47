'use strict'
// Serves the page, opens it in Chromium, clicks, and leaves the page, which
// makes the SDK send. Ends on SIGTERM.
//
// node drive.js PORT CHROMIUM PROFILE RECEIVER API

const fs = require('fs')
const http = require('http')
const path = require('path')
const esbuild = require('esbuild')
const { chromium } = require('playwright-core')

const [port, executablePath, profile, receiver, api] = process.argv.slice(2)
const bundle = esbuild.buildSync({ entryPoints: [path.join(__dirname, 'page.js')], bundle: true, write: false, format: 'iife' }).outputFiles[0].text

let state = 'starting'
const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://127.0.0.1')
  if (url.pathname === '/') {
    response.setHeader('content-type', 'text/html')
    response.setHeader('set-cookie', 'sid=secret; Path=/')
    response.end(fs.readFileSync(path.join(__dirname, 'index.html')))
  } else if (url.pathname === '/bundle.js') {
    response.setHeader('content-type', 'text/javascript')
    response.end(bundle)
  } else if (url.pathname === '/state') {
    response.end(state)
  } else {
    response.writeHead(404).end()
  }
})

async function run() {
  await new Promise((resolve) => server.listen(Number(port), '127.0.0.1', resolve))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
    ],
  })
  process.on('SIGTERM', () => context.close().finally(() => process.exit(0)))
  const page = await context.newPage()
  page.on('console', (message) => console.log('page:', message.text()))
  page.on('pageerror', (error) => console.log('page error:', error.message))
  page.on('requestfailed', (request) => console.log('failed:', request.url(), request.failure().errorText))
  await page.goto(`http://127.0.0.1:${port}/?${new URLSearchParams({ proxy: receiver, api })}`)
  await page.click('#pay')
  await page.waitForFunction(() => document.getElementById('total').textContent === '42')
  // The click is an event of the SDK when the page has been quiet for a while.
  await page.waitForFunction(() => ['action Pay now', 'action Cart.total.Update', 'resource'].every((type) => window.seen.includes(type)))
  state = (await page.evaluate(() => window.seen)).join('\n')
  await page.goto('about:blank')
}

run().catch((error) => {
  console.error(error)
  process.exit(1)
})
