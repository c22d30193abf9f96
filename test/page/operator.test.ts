/** What an operator does on the page: confirm that events arrive, end a wait, send an accepted event again. On both hosts. */
import { expect, it } from 'vitest'
import { describeHosts, listEvents } from '../support/hosts.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'
import { goTo, overflowOf, phone, rowsOf, soon, useBrowser } from './browser.ts'

const visit = useBrowser()

describeHosts('an operator', host => {
  it('[PG100] is asked whether events arrive once one was accepted, and never again after confirming', async () => {
    await using bridge = await host.start()
    await using visited = await visit(bridge)
    const { page } = visited
    const banner = page.getByRole('region', { name: 'Arrival in Segment' })
    await page.locator('.health-bar[data-tone]').waitFor()
    expect(await banner.isVisible()).toBe(false)
    await sendEvents(bridge.webhook, [messageStatus()])
    await banner.waitFor()
    expect(await banner.innerText()).toContain('Segment → Sources → your source → Debugger')
    await page.setViewportSize(phone)
    expect(await overflowOf(page)).toBe(0)
    await banner.getByRole('button', { name: 'Not now' }).click()
    await banner.waitFor({ state: 'hidden' })
    await page.reload()
    await banner.getByRole('button', { name: 'I see the events in Segment' }).click()
    await page.getByText('Recorded: events arrive in Segment').waitFor()
    await banner.waitFor({ state: 'hidden' })
    const { destinations } = await bridge.api<{ destinations: { arrival: string }[] }>('/api/status')
    expect(destinations).toMatchObject([{ arrival: 'confirmed' }])
    const answered = page.waitForResponse(response => response.url().endsWith('/api/status'))
    await page.reload()
    await (await answered).finished()
    await rowsOf(page).first().waitFor()
    expect(await banner.isVisible()).toBe(false)
  }, 120_000)

  it('[PG101] sees when the next attempt is, and ends the wait with Deliver now', async () => {
    await using bridge = await host.start()
    bridge.segment.fail({ kind: 'throttle', retryAfter: 3_000 })
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ delivery }) => delivery.failures > 0)
    await using visited = await visit(bridge, { hash: '#/health' })
    const { page } = visited
    const segment = page.locator('.question', { hasText: 'Is Segment accepting events?' })
    const button = segment.getByRole('button', { name: 'Deliver now' })
    await button.waitFor()
    expect(await segment.innerText()).toMatch(/Next try\s+in \d+ min/)
    expect(await page.getByRole('button', { name: 'Deliver now' }).count()).toBe(1)
    bridge.segment.heal()
    await button.click()
    await page.getByText('The next delivery attempt starts now').waitFor()
    await soon(() => segment.innerText()).toContain('Yes')
    await button.waitFor({ state: 'hidden' })
    expect(await bridge.stats()).toMatchObject({ accepted: 1, pending: 0 })
  }, 120_000)

  it('[PG171] sees the last hour as soon as Health is open', async () => {
    await using bridge = await host.start()
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ accepted }) => accepted === 1)
    await using visited = await visit(bridge)
    const { page } = visited
    await rowsOf(page).first().waitFor()
    const answered = page.waitForResponse(response => response.url().endsWith('/api/rates?window=1h'))
    await goTo(page, '#/health')
    expect((await (await answered).json()).in).toHaveLength(60)
    await page.getByRole('img', { name: 'over the last hour' }).locator('canvas').waitFor()
  }, 120_000)

  it('[PG102] sends an accepted event again from its own view, after a question', async () => {
    await using bridge = await host.start()
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ accepted }) => accepted === 1)
    const [event] = await listEvents(bridge)
    await using visited = await visit(bridge, { hash: `#/events/${event?.key}` })
    const { page } = visited
    const again = page.getByRole('button', { name: 'Send again' })
    await again.click()
    const question = page.getByRole('dialog', { name: 'Send this event again?' })
    await question.getByRole('button', { name: 'Cancel' }).click()
    await question.waitFor({ state: 'detached' })
    expect(bridge.segment.duplicates).toBe(0)
    await again.click()
    await question.getByRole('button', { name: 'Send again' }).click()
    await bridge.segment.waitFor(({ duplicates }) => duplicates === 1)
    await bridge.until(({ accepted, pending }) => accepted === 1 && pending === 0)
    await soon(() => page.locator('.attempt').count()).toBe(2)
    await again.waitFor()
  }, 120_000)
})
