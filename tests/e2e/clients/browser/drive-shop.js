'use strict'
// Does in the shop what goes wrong there, and leaves it. Ends on SIGTERM.
//
// node drive-shop.js PORT CHROMIUM PROFILE RECEIVER API DEAD MAPS

const { open, seen } = require('./open.js')

const [port, executablePath, profile, proxy, api, dead, maps] = process.argv.slice(2)

async function run() {
  const page = await open({ port, executablePath, profile, html: 'shop.html', script: 'shop.js', query: { proxy, api, dead }, maps })
  await seen(page, ['error no stock of gloves', 'resource /stock 200', 'resource /opaque 0'])
  for (const [id, events] of [
    ['buy', ['action Buy', 'resource /pay 200', 'error no stock of socks']],
    ['throw', ['action Throw', 'error no stock of hats']],
    ['dead', ['action Dead', 'resource /gone 0']],
    ['abort', ['action Abort', 'resource /slow 0']],
  ]) {
    await page.click(`#${id}`)
    await seen(page, events)
  }
  await page.locator('#lazy').scrollIntoViewIfNeeded()
  await seen(page, ['resource /picture.gif 200'])
  await page.click('#details')
  await seen(page, ['resource /details 200', 'action Details'])
  await page.goto('about:blank')
}

run().catch((error) => {
  console.error(error)
  process.exit(1)
})
