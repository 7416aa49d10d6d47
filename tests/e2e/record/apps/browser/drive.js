'use strict'
// Serves the page and visits it several times, each with its own window and clicks.
//
// node drive.js PORT CHROMIUM PROFILE RECEIVER API VISITS; ends by itself

const http = require('http')
const path = require('path')
const esbuild = require('esbuild')
const { chromium } = require('playwright-core')

const [port, executablePath, profile, proxy, api, visits] = process.argv.slice(2)
const bundle = esbuild.buildSync({
  entryPoints: [path.join(__dirname, 'page.js')], bundle: true, write: false, format: 'iife', nodePaths: [process.env.NODE_PATH],
}).outputFiles[0].text
const buttons = ['add', 'search', 'pay', 'fail']
const html = `<!doctype html><title>Shop</title>${buttons.map((id) => `<button id="${id}" class="big">${id} it now</button>`).join('')}<script src="/bundle.js"></script>`

const server = http.createServer((request, response) => {
  const script = request.url === '/bundle.js'
  response.setHeader('content-type', script ? 'text/javascript' : 'text/html')
  response.end(script ? bundle : html)
})

async function visit (seed) {
  const context = await chromium.launchPersistentContext(`${profile}/${seed}`, {
    executablePath, headless: true, viewport: { width: 360 + seed * 70, height: 700 },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
  })
  const page = await context.newPage()
  await page.goto(`http://127.0.0.1:${port}/?${new URLSearchParams({ proxy, api, seed })}`)
  for (let i = 0; i < 12; i++) {
    await page.click(`#${buttons[(i * (1 + seed % 3) + seed) % buttons.length]}`)
    await page.waitForTimeout(150 + (seed * i % 5) * 100)
  }
  await page.goto('about:blank') // leaving the page makes the SDK send
  await page.waitForTimeout(300)
  await context.close()
}

async function run () {
  await new Promise((resolve) => server.listen(Number(port), '127.0.0.1', resolve))
  for (let seed = 1; seed <= Number(visits); seed++) await visit(seed)
  server.close()
}

run().catch((error) => {
  console.error(error)
  process.exit(1)
})
