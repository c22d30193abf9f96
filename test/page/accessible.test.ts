/** axe-core on every view, light, dark and on a phone. Its own script breaks the page's policy: here alone it is off. */
// @module-tag long
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startBridge } from '../support/bridge.ts'
import { startSegment } from '../support/segment.ts'
import { inboundMessage, messageStatus, sendEvents } from '../support/twilio.ts'
import { desktop, goTo, phone, rowOf, soon, useBrowser } from './browser.ts'

declare global {
  interface Window {
    readonly axe: typeof axe
  }
}

// axe takes seconds a view where the machine is small.
vi.setConfig({ testTimeout: 90_000 })

const visit = useBrowser()
let stop = async () => {}
let full: Awaited<ReturnType<typeof startBridge>>
let empty: Awaited<ReturnType<typeof startBridge>>
const keys = { accepted: '', rejected: '', pending: '' }

beforeAll(async () => {
  const segment = await startSegment()
  const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url }
  full = await startBridge(settings)
  empty = await startBridge(settings)
  stop = async () => {
    for (const bridge of [full, empty]) await bridge[Symbol.asyncDispose]()
    await segment.close()
  }
  await sendEvents(full.webhook, [messageStatus(), inboundMessage()])
  await full.until(({ accepted }) => accepted === 2)
  await sendEvents(full.webhook, [messageStatus({ data: { messageSid: 42 } }), { type: 'none.such' }])
  await full.until(({ rejected }) => rejected === 2)
  // A failure that lasts, so that the notes and notices of one are there.
  segment.fail({ kind: 'status', status: 401, body: '{"message":"no such key"}' })
  await sendEvents(full.webhook, [messageStatus()])
  await full.until(({ delivery }) => delivery.failures > 0)
  const { events } = await full.api<{ events: { key: string; state: keyof typeof keys }[] }>('/api/events')
  for (const { key, state } of events) keys[state] = key
})
afterAll(() => stop())

const ways = [
  { way: 'light', size: desktop, theme: 'light' },
  { way: 'dark', size: desktop, theme: 'dark' },
  { way: 'on a phone', size: phone, theme: 'light' },
  { way: 'on a phone, dark', size: phone, theme: 'dark' },
] as const

type Look = { readonly view: string; readonly hash: () => string; readonly ready: string }
/** `ready` is nothing that the look before it has: the old view stays until the new one is loaded. */
const looks: readonly Look[] = [
  { view: 'events', hash: () => '#/events', ready: '.rows > .row' },
  { view: 'no match', hash: () => '#/events?state=refused', ready: '.empty' },
  { view: 'an accepted event', hash: () => `#/events/${keys.accepted}`, ready: '.page-head .chip-accepted' },
  { view: 'a rejected event', hash: () => `#/events/${keys.rejected}`, ready: '.page-head .chip-rejected' },
  { view: 'a pending event', hash: () => `#/events/${keys.pending}`, ready: '.attempt' },
  { view: 'an event that is gone', hash: () => '#/events/9999-0', ready: '.empty' },
  { view: 'dead letters', hash: () => '#/dead-letters', ready: '.group' },
  { view: 'health', hash: () => '#/health', ready: '.notice' },
  { view: 'quality', hash: () => '#/quality?window=1h', ready: '.quality .types' },
  {
    view: 'quality of a type',
    hash: () => '#/quality?window=1h&type=com.twilio.messaging.message.delivered&version=7',
    ready: '.quality .type-head',
  },
]

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations: found } = await page.evaluate(() => window.axe.run(document))
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  )
}

it.each(ways)('[PG25] axe finds nothing wrong with any view ($way)', async ({ size, theme }) => {
  await using visited = await visit(full, { size, theme, bypassCsp: true, expected: /status of 404/ })
  const { page } = visited
  await rowOf(page, keys.accepted).waitFor()
  const found: Record<string, string[]> = {}
  for (const { view, hash, ready } of looks) {
    await goTo(page, hash())
    await page.locator(ready).first().waitFor()
    await soon(() => page.locator('.skeleton').count()).toBe(0)
    found[view] = await violations(page)
  }
  expect(found).toEqual(Object.fromEntries(looks.map(({ view }) => [view, []])))
})

it.each(ways)('[PG25] nor with the form, the empty page and the dialogs ($way)', async ({ size, theme }) => {
  await using out = await visit(full, {
    size,
    theme,
    bypassCsp: true,
    loggedIn: false,
    expected: /status of 401/,
  })
  await out.page.getByLabel('Admin token').waitFor()
  expect(await violations(out.page)).toEqual([])
  await using first = await visit(empty, { size, theme, bypassCsp: true })
  await first.page.getByText('No events yet').waitFor()
  expect(await violations(first.page)).toEqual([])
  await first.page.keyboard.press('?')
  await first.page.getByRole('dialog').waitFor()
  expect(await violations(first.page)).toEqual([])
  await first.page.keyboard.press('Escape')
  await first.page.getByRole('dialog').waitFor({ state: 'detached' })
  await goTo(first.page, '#/quality')
  await first.page.locator('.empty').waitFor()
  expect(await violations(first.page)).toEqual([])
})
