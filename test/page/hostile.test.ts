/** Whatever stands in an event is shown and does nothing: it does not run, breaks no layout, and costs no more than a small one. */
// @module-tag long
import naughty from 'big-list-of-naughty-strings' with { type: 'json' }
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { describeHosts, everyEvent, type Hosted, listEvents, shareBridge } from '../support/hosts.ts'
import { messageStatus, sendBody, sendEvents } from '../support/twilio.ts'
import { desktop, goTo, nextFrame, overflowOf, phone, rowsOf, soon, useBrowser } from './browser.ts'

const visit = useBrowser()

/** Runs in a page that takes it for code; the page's own flag then tells. */
const code = 'globalThis.ran=true'
const markup = `<script>${code}</script><img src=x onerror="${code}"><svg onload="${code}">"'><a href="javascript:${code}">`
const long = 'x'.repeat(30 * 1_024)
const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)
const keys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key_${i}_<b>`, i]))

const shapes: [name: string, event: Record<string, unknown>][] = [
  ['markup in every field', { ...filled(markup), type: `com.twilio.${markup}` }],
  ['direction marks', filled('\u202e\u2066drow\u2069 \u200f\u061cمرحبا +15550100155')],
  ['control characters', filled('a\u0000b\u001bc\u007f\u0085\u2028\n\r\td')],
  ['broken Unicode', filled('\ud800 \udfff \ud83d\ud83d\uffff \ufeff')],
  ['30 KiB without a space', { ...filled(long), type: `com.twilio.${long}` }],
  ['marks piled up', filled('Z\u0351\u036b'.repeat(2_000))],
  ['10,000 keys', messageStatus({ data: keys(10_000) })],
  ['400 levels', messageStatus({ data: { tags: nested(400) } })],
  ['the same, as a dead letter', messageStatus({ data: { ...keys(9_000), messageSid: nested(400) } })],
  ['keys of objects', JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":2,"hasOwnProperty":3}')],
]

function filled(text: string) {
  const sound = messageStatus({
    data: { to: text, body: text, tags: { [text]: text }, [text]: [text, text] },
  })
  return { ...sound, id: text.slice(0, 90) + crypto.randomUUID(), source: text, subject: text, [text]: text }
}

async function expectHarmless(page: Page, what: string): Promise<void> {
  expect(await page.evaluate(() => Reflect.get(globalThis, 'ran')), what).toBeUndefined()
  expect(await page.evaluate(() => document.querySelectorAll('img, iframe, object, embed').length)).toBe(0)
  expect(await page.evaluate(() => document.querySelectorAll('*').length), what).toBeLessThan(5_000)
  for (const size of [phone, desktop]) {
    await page.setViewportSize(size)
    // A plot is drawn anew for its new width a moment later.
    await expect
      .poll(() => overflowOf(page), {
        message: `${what}, ${size.width} px wide`,
        interval: 50,
      })
      .toBeLessThanOrEqual(0)
  }
}

async function store(bridge: Hosted, event: unknown): Promise<string> {
  const before = (await listEvents(bridge, 'limit=1'))[0]?.key
  expect((await sendBody(bridge.webhook, JSON.stringify([event]))).status).toBe(200)
  const newest = async () => (await listEvents(bridge, 'limit=1'))[0]
  await soon(async () => (await newest())?.key !== before).toBe(true)
  // The page draws an event anew when its state changes, and folds what was opened.
  await soon(async () => (await newest())?.state).not.toBe('pending')
  return (await newest())?.key ?? ''
}

describeHosts('hostile data', host => {
  const bridge = shareBridge(host)

  it.each(shapes)(
    '[PG23] %s: neither runs, nor is wider than the window, nor fills the document',
    async (name, event) => {
      const key = await store(bridge(), event)
      await using visited = await visit(bridge())
      const { page } = visited
      await rowsOf(page).first().waitFor()
      await expectHarmless(page, `${name} in the list`)
      await goTo(page, `#/events/${key}`)
      await page.locator('.json-line, .pane-none').first().waitFor()
      await expectHarmless(page, name)
      await page.getByRole('button', { name: 'Raw' }).click()
      await expectHarmless(page, `${name}, raw`)
      await page.getByRole('button', { name: 'Pretty' }).click()
      const closed = page.locator('.json-toggle[aria-expanded="false"]')
      for (let opened = 0; opened < 8 && (await closed.count()) > 0; opened += 1) await closed.last().click()
      await expectHarmless(page, `${name}, opened`)
    },
  )

  it('[PG23] nor do they anywhere else: dead letters, quality, health', async () => {
    for (const [, event] of shapes) await store(bridge(), { ...event, id: crypto.randomUUID() })
    await using visited = await visit(bridge())
    const { page } = visited
    // Of each view something that no other has: the one before stays until its successor is loaded.
    const views = { 'dead-letters': '.group', 'quality?window=1h': '.quality .card', health: '.health .card' }
    for (const [view, ready] of Object.entries(views)) {
      await goTo(page, `#/${view}`)
      await page.locator(ready).first().waitFor()
      await soon(() => page.locator('.skeleton').count()).toBe(0)
      await expectHarmless(page, view)
    }
  })

  it('[PG23] the Big List of Naughty Strings, as types, customers and texts', async () => {
    await using naive = await host.start()
    const events = naughty.map(text => ({ ...messageStatus({ to: text }), type: `com.twilio.${text}` }))
    await sendEvents(naive.webhook, [
      messageStatus({ data: { tags: { all: naughty }, body: naughty.join('') } }),
    ])
    for (let from = 0; from < events.length; from += 100)
      await sendEvents(naive.webhook, events.slice(from, from + 100))
    await naive.until(({ received, pending }) => received === events.length + 1 && pending === 0)
    const oldest = (await everyEvent(naive)).at(-1)
    await using visited = await visit(naive)
    const { page } = visited
    const scrollTo = (share: number) =>
      page.locator('.list').evaluate((box, to) => {
        box.scrollTop = box.scrollHeight * to
      }, share)
    await rowsOf(page).first().waitFor()
    // Older ones are read when somebody gets near them: here first all of them.
    await soon(async () => {
      await scrollTo(1)
      return page.getByText('No older events.').isVisible()
    }).toBe(true)
    for (let tenths = 0; tenths <= 10; tenths += 1) {
      await scrollTo(tenths / 10)
      await nextFrame(page)
      await expectHarmless(page, `the list, ${tenths} tenths of it`)
    }
    await page.locator('select[aria-label="Type"]').focus()
    await soon(() => page.locator('select[aria-label="Type"] option').count()).toBeGreaterThan(100)
    await expectHarmless(page, 'the list with every type to choose from')
    await goTo(page, `#/events/${oldest?.key}`)
    const closed = page.locator('.json-toggle[aria-expanded="false"]')
    await page.locator('.json-line').first().waitFor()
    for (let opened = 0; opened < 8 && (await closed.count()) > 0; opened += 1) await closed.last().click()
    const more = page.getByRole('button', { name: /^Show .* more$/ })
    for (let opened = 0; opened < 8 && (await more.count()) > 0; opened += 1) await more.first().click()
    await soon(() => page.locator('.pane').first().locator('.json-string').count()).toBeGreaterThan(
      naughty.length,
    )
    await expectHarmless(page, 'the event with all of them')
    await goTo(page, '#/quality?window=1h')
    await page.locator('.quality .card').first().waitFor()
    await expectHarmless(page, 'the figures')
  })

  it('[PG24] of thousands of rows only those in sight are in the document, and scrolling shows the right ones', async () => {
    await using crowded = await host.start()
    for (let sent = 0; sent < 3_000; sent += 500) {
      const { status } = await sendEvents(
        crowded.webhook,
        Array.from({ length: 500 }, () => messageStatus()),
      )
      expect(status).toBe(200)
    }
    await crowded.until(({ accepted }) => accepted === 3_000)
    const all = await everyEvent(crowded)
    await using visited = await visit(crowded)
    const { page } = visited
    await rowsOf(page).first().waitFor()
    const list = page.locator('.list')
    const lastIndex = async () => Number(await rowsOf(page).last().getAttribute('aria-rowindex'))
    for (let last = 0; last < 3_001; ) {
      await list.evaluate(box => {
        box.scrollTop = box.scrollHeight
      })
      await soon(lastIndex).toBeGreaterThan(last)
      last = await lastIndex()
      expect(await rowsOf(page).count()).toBeLessThan(80)
    }
    for (const position of [0.5, 0.1, 0.9, 0]) {
      await list.evaluate((box, share) => {
        box.scrollTop = box.scrollHeight * share
      }, position)
      await nextFrame(page)
      const shown = await rowsOf(page).evaluateAll(rows =>
        rows.map(row => ({
          index: Number(row.getAttribute('aria-rowindex')) - 2,
          link: row.querySelector('a')?.getAttribute('href'),
        })),
      )
      expect(shown.length).toBeGreaterThan(10)
      expect(shown.map(row => row.link)).toEqual(shown.map(({ index }) => `#/events/${all[index]?.key}`))
    }
  })
})
