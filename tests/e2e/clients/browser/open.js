'use strict'
// Serves a page whose script is bundled, and opens it in Chromium. Ends on SIGTERM.

const fs = require('fs')
const http = require('http')
const path = require('path')
const esbuild = require('esbuild')
const { chromium } = require('playwright-core')

// A picture of one pixel.
const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

async function open({ port, executablePath, profile, html, script, query, maps }) {
  const built = esbuild.buildSync({
    entryPoints: [path.join(__dirname, script)], bundle: true, write: false, format: 'iife', outfile: 'bundle.js',
    minify: maps !== undefined, sourcemap: maps === undefined ? false : 'external',
  })
  const file = (end) => built.outputFiles.find((one) => one.path.endsWith(end)).text
  if (maps !== undefined) fs.writeFileSync(path.join(maps, 'bundle.js.map'), file('.js.map'))
  const bundle = file('bundle.js')
  const server = http.createServer((request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1')
    if (url.pathname === '/bundle.js') {
      response.setHeader('content-type', 'text/javascript')
      response.end(bundle)
    } else if (url.pathname === '/picture.gif') {
      response.setHeader('content-type', 'image/gif')
      response.end(pixel)
    } else if (url.pathname === '/') {
      response.setHeader('content-type', 'text/html')
      response.setHeader('set-cookie', 'sid=secret; Path=/')
      response.end(fs.readFileSync(path.join(__dirname, html)))
    } else {
      response.writeHead(404).end()
    }
  })
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
  await page.goto(`http://127.0.0.1:${port}/?${new URLSearchParams(query)}`)
  return page
}

// seen waits until the SDK has made all of these events, which it reports in window.seen.
const seen = (page, events) => page.waitForFunction((all) => all.every((one) => window.seen.includes(one)), events)

module.exports = { open, seen }
