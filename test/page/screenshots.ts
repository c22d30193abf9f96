/** `npm run screenshots`: docs/images/*.png, of a real bridge and a stand-in for Segment, with made-up traffic from a seed. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Locator } from 'playwright-core'
import { newDataDir, startBridge } from '../support/bridge.ts'
import { startSegment } from '../support/segment.ts'
import { sendEvents, sinkTest } from '../support/twilio.ts'
import { desktop, goTo, launch, openVisit, phone, type Visit } from './browser.ts'
import { createDice, createTraffic, fillOutbox } from './sample.ts'

const docs = join(import.meta.dirname, '../../docs/images')
const random = createDice(20_260_102)
const traffic = createTraffic(random)

const dataDir = newDataDir()
fillOutbox(dataDir, Date.now(), random)
const segment = await startSegment({ keep: 'ids' })
const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, LOG_LEVEL: 'silent' }
const bridge = await startBridge({ ...settings, DATA_DIR: dataDir })
const empty = await startBridge({ ...settings, PUBLIC_URL: 'https://bridge.example.com' })
const browser = await launch()
const look = { sharpness: 1.5 }

/** Takes what the page shows once it has settled. */
async function shoot({ page, troubles }: Visit, name: string, ready: Locator): Promise<void> {
  await ready.waitFor()
  // A moment for figures that come with the next pulse.
  await page.waitForTimeout(1_500)
  await page.locator('h1').first().blur()
  await page.screenshot({ path: join(docs, `${name}.png`) })
  if (troubles.length > 0) throw new Error(`${name}: ${troubles.join('; ')}`)
  process.stdout.write(`docs/images/${name}.png\n`)
}

const send = (...events: unknown[]) => sendEvents(bridge.webhook, events)

/** As it comes on an ordinary day: a few a second, some of them wrong. */
async function live(seconds: number) {
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; ) {
    const now = Date.now()
    const chance = random()
    if (chance < 0.06) await send(traffic.broken(now - 300))
    else if (chance < 0.16) await send(traffic.inbound(now - 220))
    else if (chance < 0.2)
      await send({
        ...traffic.status('sent', now - 250),
        type: 'com.twilio.voice.status-callback.call.completed',
      })
    else
      await send(
        traffic.status(
          traffic.pick(['sent', 'sent', 'sent', 'delivered', 'delivered', 'delivered', 'failed']),
          now - 200 - random() * 300,
        ),
      )
    await sleep(150 + random() * 700)
  }
}

try {
  mkdirSync(docs, { recursive: true })
  await bridge.until(({ pending }) => pending === 0, 120_000)
  // One page that is open all the time, so that its rates have something to be the mean of.
  await using visit = await openVisit(browser, bridge, look)
  const { page } = visit
  await live(25)

  const refused = [traffic.status('delivered', Date.now()), traffic.status('sent', Date.now())]
  segment.fail({ kind: 'poison', messageIds: refused.map(({ id }) => id) })
  await send(traffic.status('sent', Date.now() - 180), ...refused)
  await bridge.until(({ refused }) => refused === 2)
  segment.heal()
  await send(sinkTest())

  // Accepted at the third attempt.
  segment.fail({ kind: 'status', status: 503, body: '{"message":"try again in a moment"}' }, { times: 1 })
  segment.fail({ kind: 'throttle', retryAfter: 1 }, { times: 1 })
  const late = traffic.status('delivered', Date.now() - 260)
  await send(late)
  await segment.waitFor(({ ids }) => ids.has(late.id), 20_000)
  const { events } = await bridge.api<{ events: { key: string }[] }>(`/api/events?q=${late.id}`)
  await live(9)
  await send(traffic.broken(Date.now() - 210))
  await live(2)
  segment.fail({ kind: 'slow', ms: 4_000 })
  await live(2)

  const rows = page.locator('.rows > .row').nth(3)
  await shoot(visit, 'events-light', rows)
  await page.emulateMedia({ colorScheme: 'dark' })
  await shoot(visit, 'events-dark', rows)
  await page.emulateMedia({ colorScheme: 'light' })
  segment.heal()
  await goTo(page, `#/events/${events[0]?.key}`)
  await shoot(visit, 'event', page.locator('.json-origin').first())
  await goTo(page, '#/dead-letters')
  await shoot(visit, 'dead-letters', page.locator('.group').first())
  await goTo(page, '#/quality?window=24h')
  await shoot(visit, 'quality', page.locator('.quality .card').first())
  await goTo(page, '#/quality?window=7d&type=com.twilio.messaging.message.delivered&version=7')
  await shoot(visit, 'quality-type', page.locator('canvas').first())

  await page.setViewportSize(phone)
  await goTo(page, '#/events')
  await shoot(visit, 'phone', rows)
  await page.setViewportSize(desktop)

  segment.fail({ kind: 'status', status: 503, body: '{"message":"down for maintenance"}' })
  await goTo(page, '#/health')
  await live(14)
  await shoot(visit, 'health-failing', page.locator('.notice').first())

  await using first = await openVisit(browser, empty, look)
  await shoot(first, 'empty', first.page.getByText('No events yet'))
  await using out = await openVisit(browser, empty, { ...look, loggedIn: false, expected: /401/ })
  await shoot(out, 'login', out.page.getByLabel('Admin token'))
} finally {
  await browser.close()
  await bridge.stop()
  rmSync(dataDir, { recursive: true, force: true })
  await empty[Symbol.asyncDispose]()
  await segment.close()
}
process.exit(0)
