/** One event from Twilio's bytes to Segment's answer, and the dead letters, in a real browser on both hosts. */
// @module-tag long
import { expect, it } from 'vitest'
import { describeHosts, type Hosted, listEvents, shareBridge, someNotices } from '../support/hosts.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'
import { goTo, rowOf, rowsOf, soon, stateOf, useBrowser } from './browser.ts'

const visit = useBrowser()
const broken = (messageSid: unknown = 42) => messageStatus({ data: { messageSid } })
const stateIn = (bridge: Hosted, key: string | undefined) => async () =>
  (await listEvents(bridge, 'limit=100')).find(event => event.key === key)?.state

describeHosts('one event', host => {
  const bridge = shareBridge(host)

  async function send(event: ReturnType<typeof messageStatus>, state = 'accepted') {
    await sendEvents(bridge().webhook, [event])
    const find = async () => (await listEvents(bridge(), `q=${event.id}`)).find(one => one.id === event.id)
    await soon(async () => (await find())?.state).toBe(state)
    return (await find())?.key ?? ''
  }

  it('[PG13] shows the CloudEvent beside the track call; a mapped field at hand lights up its origin', async () => {
    const key = await send(messageStatus({ to: '+15550100123' }))
    await using visited = await visit(bridge(), { hash: `#/events/${key}` })
    const { page } = visited
    const [from, to] = [page.locator('.pane').first(), page.locator('.pane').nth(1)]
    await to.getByText('track').first().waitFor()
    const origin = to.getByRole('button', { name: '← $.data.to' }).first()
    const source = from.locator('[data-path="$.data.to"]')
    await origin.focus()
    await soon(() => source.getAttribute('class')).toContain('json-lit')
    await to.getByRole('button', { name: '← $.id' }).focus()
    await soon(() => source.getAttribute('class')).not.toContain('json-lit')
    await soon(() => from.locator('[data-path="$.id"]').getAttribute('class')).toContain('json-lit')
    await source.hover()
    // The line of `$.id` was lit before: it is the other one that tells.
    const lit = to.locator('.json-lit', { has: page.getByRole('button', { name: '← $.data.to' }) })
    await soon(() => lit.count()).toBeGreaterThan(0)

    const path = await page.locator('.timeline').innerText()
    for (const station of ['Happened', 'Received', 'Stored', 'Sent', 'Accepted by Segment'])
      expect(path).toContain(station)
    await page.getByRole('button', { name: 'Raw' }).click()
    expect(await page.locator('pre.raw').first().innerText()).toContain('"specversion":"1.0"')
    await page.getByRole('button', { name: 'Copy as JSON' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    expect(JSON.parse(copied)).toMatchObject({ key, received: { data: { to: '+15550100123' } } })
    await page.getByRole('button', { name: 'Copy as curl' }).click()
    await soon(() => page.evaluate(() => navigator.clipboard.readText())).toContain('/v1/track')
  })

  it('[PG14] while Segment fails the page says so everywhere; healed, the event is accepted by itself', async () => {
    await using failing = await host.start()
    await using visited = await visit(failing)
    const { page } = visited
    failing.segment.fail({ kind: 'status', status: 503, body: '{"message":"maintenance"}' })
    await sendEvents(failing.webhook, [messageStatus()])
    const row = rowsOf(page).first()
    await row.waitFor()
    await soon(() => row.locator('.cell-attempts').innerText().then(Number)).toBeGreaterThan(0)
    expect(await stateOf(row)).toBe('pending')
    const bar = page.locator('.health-bar')
    await soon(() => bar.getAttribute('data-tone')).toBe('bad')
    expect(await bar.innerText()).toContain('1 waiting')

    await row.locator('a.row-link').click()
    await page.locator('.attempt').first().waitFor()
    expect(await page.locator('.attempt').first().innerText()).toContain('503')
    expect(await page.locator('.attempt').first().innerText()).toContain('maintenance')
    await soon(() => page.locator('.attempt').count()).toBeGreaterThan(1)

    await someNotices(failing)
    await page.getByRole('link', { name: 'Health' }).first().click()
    const segment = page.locator('.question', { hasText: 'Is Segment accepting events?' })
    await soon(() => segment.innerText()).toContain('No')
    await soon(() => segment.innerText()).toContain('Next try')
    const notice = page.locator('.notice').first()
    await notice.waitFor()
    await notice.locator('summary').click()
    expect(await notice.innerText()).toContain('What to do')
    await soon(() => page.locator('.next-notice').innerText()).toContain('next notice')

    failing.segment.heal()
    // The longer it has failed, the longer the bridge waits for its next try.
    await soon(() => bar.getAttribute('data-tone'), 40_000).toBe('good')
    await soon(() => segment.innerText()).toContain('Yes')
    await page.getByRole('link', { name: 'Events' }).first().click()
    await soon(() => stateOf(row)).toBe('accepted')
  })

  it('[PG15] a rejected event shows each fault at its place; Retry says why not, Drop asks first', async () => {
    const key = await send(broken(), 'rejected')
    await using visited = await visit(bridge(), { hash: `#/events/${key}`, expected: /status of 409/ })
    const { page } = visited
    const fault = page.locator('.json-fault[data-path="$.data.messageSid"]')
    await fault.waitFor()
    expect(await fault.innerText()).toMatch(/expected .*string.*, received .*42/s)
    await page.getByRole('button', { name: 'Retry' }).click()
    await page.getByText(/It still fails/).waitFor()
    await page.getByRole('button', { name: 'Drop' }).click()
    const question = page.getByRole('dialog', { name: 'Drop this event?' })
    await question.getByRole('button', { name: 'Cancel' }).click()
    await question.waitFor({ state: 'detached' })
    expect(await stateIn(bridge(), key)()).toBe('rejected')
    await page.getByRole('button', { name: 'Drop' }).click()
    await question.getByRole('button', { name: 'Drop' }).click()
    await soon(() => page.locator('.page-head .chip').first().textContent()).toBe('skipped')
    expect(await stateIn(bridge(), key)()).toBe('skipped')
  })

  it('[PG15] a refused event is retried with one click, and accepted', async () => {
    const event = messageStatus()
    bridge().segment.fail({ kind: 'poison', messageIds: [event.id] })
    const key = await send(event, 'refused')
    await using visited = await visit(bridge(), { hash: `#/events/${key}` })
    const { page } = visited
    await page.locator('.attempt').first().waitFor()
    expect(await page.locator('.attempt').first().innerText()).toContain('400')
    bridge().segment.heal()
    await page.getByRole('button', { name: 'Retry' }).click()
    await soon(() => page.locator('.page-head .chip').first().textContent()).toBe('accepted')
    await page.getByText('Accepted by Segment').waitFor()
  })

  it('[PG16] dead letters stand by reason with samples; retry-all shows first how many would go', async () => {
    await using letters = await host.start()
    const refused = [messageStatus(), messageStatus()]
    letters.segment.fail({ kind: 'poison', messageIds: refused.map(({ id }) => id) })
    // One that is taken: else it is the key or the account that is refused, and all wait.
    await sendEvents(letters.webhook, [messageStatus(), ...refused])
    await sendEvents(
      letters.webhook,
      Array.from({ length: 12 }, () => broken()),
    )
    await letters.until(({ refused, rejected }) => refused === 2 && rejected === 12)
    await using visited = await visit(letters, { hash: '#/dead-letters' })
    const { page } = visited
    const groups = page.locator('.group')
    await soon(() => groups.count()).toBe(2)
    const [invalid, bySegment] = [groups.first(), groups.nth(1)]
    expect(await invalid.locator('.group-count').innerText()).toBe('12')
    expect(await invalid.locator('.sample').count()).toBe(10)
    expect(await invalid.getByRole('link', { name: 'All 12 in the list' }).count()).toBe(1)
    await invalid.getByRole('button', { name: 'Retry all' }).click()
    await invalid.getByText('All 12 still fail validation').waitFor()

    letters.segment.heal()
    await bySegment.getByRole('button', { name: 'Retry all' }).click()
    await bySegment.getByText('All 2 events would be sent again.').waitFor()
    expect((await letters.stats()).refused).toBe(2)
    await bySegment.getByRole('button', { name: 'Send 2 again' }).click()
    await soon(() => groups.count()).toBe(1)
    await letters.until(({ accepted }) => accepted === 3)

    await invalid.getByRole('button', { name: 'Drop all' }).click()
    const question = page.getByRole('dialog')
    expect(await question.innerText()).toContain('12 dead letters')
    await question.getByRole('button', { name: 'Drop 12' }).click()
    await page.getByRole('heading', { name: 'No dead letters' }).waitFor()
    expect((await letters.stats()).skipped).toBe(12)
    await goTo(page, '#/events?state=skipped')
    await soon(() => rowsOf(page).count()).toBe(12)
  })

  it('[PG17] a link to an event that is gone says so, and leads back', async () => {
    await using visited = await visit(bridge(), { hash: '#/events/999999-0', expected: /404/ })
    const { page } = visited
    await page.getByRole('heading', { name: 'Event not found' }).waitFor()
    const key = await send(messageStatus())
    await page.getByRole('link', { name: 'All events' }).click()
    await rowOf(page, key).waitFor()
  })
})
