/** Several destinations on the page, in a real browser. */
// @module-tag long
import { expect, it, onTestFinished } from 'vitest'
import { describeHosts, shareBridge } from '../support/hosts.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'
import { goTo, soon, useBrowser } from './browser.ts'

const visit = useBrowser()

describeHosts('destinations on the page', host => {
  const plain = shareBridge(host)

  it('[PG221] each is shown with its state; one can be paused and resumed', async () => {
    const others: SegmentStandIn[] = [await startSegment(), await startSegment()]
    onTestFinished(async () => {
      await Promise.all(others.map(segment => segment.close()))
    })
    const [first, second] = others.map(({ url }) => ({
      ...{ type: 'segment', writeKey: `\${SEGMENT_WRITE_KEY}`, host: url },
    }))
    await using bridge = await host.start({
      DESTINATIONS: JSON.stringify({ destinations: { main: first, brand: second } }),
    })
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ accepted }) => accepted === 1)
    await using visited = await visit(bridge)
    const { page } = visited
    await goTo(page, '#/health')
    const card = page.getByRole('region', { name: 'Destinations' })
    const brand = card.locator('.destination', { hasText: 'brand' })
    await soon(() => brand.innerText()).toContain('1 accepted')
    await page.getByTitle('Pause brand').click()
    await soon(() => brand.innerText()).toContain('paused')
    await soon(() => page.locator('.question').nth(1).innerText()).toContain('brand is paused')
    await page.getByTitle('Resume brand').click()
    await soon(() => brand.innerText()).toContain('accepting')
  })

  it('[PG222] one alone shows no such card', async () => {
    await using visited = await visit(plain())
    const { page } = visited
    await goTo(page, '#/health')
    await page.locator('.question').first().waitFor()
    expect(await page.getByRole('region', { name: 'Destinations' }).count()).toBe(0)
  })
})
