/** The live list in a real browser, on both hosts. */
// @module-tag long
import { expect, it } from 'vitest'
import { describeHosts, type Hosted, listEvents, shareBridge } from '../support/hosts.ts'
import { inboundMessage, messageStatus, sendEvents } from '../support/twilio.ts'
import { goTo, nextFrame, rowOf, rowsOf, soon, stateOf, useBrowser, wholeDocument } from './browser.ts'

const visit = useBrowser()

const keyOf = async (bridge: Hosted, id: string) =>
  (await listEvents(bridge, `q=${id}`)).find(event => event.id === id)?.key

/** Sends it, and gives its key once the list has it. */
async function send(bridge: Hosted, event: ReturnType<typeof messageStatus | typeof inboundMessage>) {
  const { status } = await sendEvents(bridge.webhook, [event])
  expect(status).toBe(200)
  await soon(() => keyOf(bridge, event.id)).toBeDefined()
  return keyOf(bridge, event.id)
}

const broken = () => messageStatus({ data: { messageSid: 42 } })

describeHosts('the live list', host => {
  const bridge = shareBridge(host)

  it('[PG7] an empty bridge shows how to send the first event; the event takes its place within seconds', async () => {
    await using empty = await host.start()
    await using visited = await visit(empty)
    const { page } = visited
    await page.getByRole('heading', { name: 'No events yet' }).waitFor()
    await page.getByText(/send delivered/).waitFor()
    const event = messageStatus()
    await sendEvents(empty.webhook, [event])
    const row = rowsOf(page).first()
    await row.waitFor()
    await soon(() => stateOf(row)).toBe('accepted')
    expect(await row.innerText()).toContain('message.delivered')
    expect(await page.getByText('No events yet').count()).toBe(0)
  })

  it('[PG7] new events come in at the top by themselves, and their state changes where they stand', async () => {
    await using visited = await visit(bridge())
    const { page } = visited
    for (const type of ['sent', 'delivered', 'read']) {
      const key = await send(bridge(), messageStatus({ type }))
      await rowOf(page, key).waitFor()
      await soon(() => stateOf(rowOf(page, key))).toBe('accepted')
      expect(await rowsOf(page).first().innerText()).toContain(`message.${type}`)
    }
  })

  it('[PG7] an event that comes while the list is being read is in it, too', async () => {
    const before = await send(bridge(), messageStatus())
    await using visited = await visit(bridge())
    const { page } = visited
    await rowOf(page, before).waitFor()
    let meanwhile: string | undefined
    await page.route('**/api/events/search', async route => {
      const response = await route.fetch()
      if (meanwhile === undefined) {
        meanwhile = await send(bridge(), messageStatus())
        await soon(() => page.locator('.came').textContent()).toContain('1 new event')
      }
      await route.fulfill({ response })
    })
    await goTo(page, '#/events?type=com.twilio.messaging.message.delivered')
    await soon(() => rowOf(page, meanwhile).count()).toBe(1)
    await soon(() => page.locator('.came').isVisible()).toBe(false)
  })

  it('[PG8] filters stand in the fragment: a reload keeps them, a link shows another person the same', async () => {
    const rejected = await send(bridge(), broken())
    const inbound = await send(bridge(), inboundMessage())
    await using visited = await visit(bridge())
    const { page } = visited
    await rowOf(page, inbound).waitFor()
    await page.getByRole('button', { name: 'Rejected' }).click()
    await soon(() => page.url()).toMatch(/#\/events\?state=rejected$/)
    // The rows from before stay until the answer is there.
    const onlyRejected = async () => {
      await rowOf(page, rejected).waitFor()
      await soon(() => rowOf(page, inbound).count()).toBe(0)
    }
    await onlyRejected()
    await page.reload()
    await onlyRejected()
    expect(await page.getByRole('button', { name: 'Rejected' }).getAttribute('aria-pressed')).toBe('true')

    // The list looks the same before and after: only the answer tells that it is the new one.
    const answered = page.waitForResponse(
      response => response.request().postData()?.includes('schema_rejected') === true,
    )
    await page.getByRole('combobox', { name: 'Reason' }).selectOption('schema_rejected')
    await soon(() => page.url()).toContain('reason=schema_rejected')
    await answered
    await soon(() => page.locator('.events.is-loading').count()).toBe(0)
    await onlyRejected()
    const type = 'com.twilio.messaging.inbound-message.received'
    await goTo(page, `#/events?type=${type}`)
    await rowOf(page, inbound).waitFor()
    await soon(() => rowOf(page, rejected).count()).toBe(0)
    expect(await page.getByRole('combobox', { name: 'Type' }).inputValue()).toBe(type)

    await using another = await visit(bridge(), { hash: '#/events?state=rejected' })
    await rowOf(another.page, rejected).waitFor()
    // It logs in first: the list of everything may stand there for a moment.
    await soon(() => rowOf(another.page, inbound).count()).toBe(0)
    await goTo(page, '#/events?state=refused&type=none.such')
    await page.getByRole('heading', { name: 'No events match' }).waitFor()
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await rowOf(page, inbound).waitFor()
  })

  it('[PG9] a search by id, message SID, phone or text finds the event, and stands in no address', async () => {
    const event = inboundMessage({ to: '+15550100777', data: { body: 'Wo bleibt der Zwieback?' } })
    const key = await send(bridge(), event)
    const other = await send(bridge(), messageStatus())
    await using visited = await visit(bridge())
    const { page, requested } = visited
    const field = page.getByRole('searchbox')
    for (const text of [event.id, event.data.messageSid, '+15550100777', '15550100777', 'Zwieback']) {
      // Both are there first, so that it is this search that leaves one of them.
      await rowOf(page, other).waitFor()
      await field.fill(text)
      await soon(() => rowOf(page, other).count()).toBe(0)
      await rowOf(page, key).waitFor()
      expect(await rowsOf(page).count(), text).toBe(1)
      expect(page.url()).toMatch(/#\/events$/)
      expect(requested.filter(url => url.includes(encodeURIComponent(text)))).toEqual([])
      await field.press('Escape')
      expect(await field.inputValue()).toBe('')
    }
    await rowOf(page, other).waitFor()
    await field.fill('nothing like this')
    await page.getByRole('heading', { name: 'No events match' }).waitFor()
  })

  it('[PG10] paused, new events are counted and wait; resumed, they are there', async () => {
    const before = await send(bridge(), messageStatus())
    await using visited = await visit(bridge())
    const { page } = visited
    await rowOf(page, before).waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    const first = await send(bridge(), messageStatus())
    const second = await send(bridge(), messageStatus())
    await soon(() => page.locator('.came').textContent()).toContain('2 new events')
    await nextFrame(page)
    expect(await rowOf(page, first).count()).toBe(0)
    await page.getByRole('button', { name: 'Resume' }).click()
    await rowOf(page, first).waitFor()
    await rowOf(page, second).waitFor()
    expect(await page.locator('.came').isVisible()).toBe(false)
    await page.keyboard.press('p')
    await page.getByRole('button', { name: 'Resume' }).waitFor()
  })

  it('[PG11] a customer is masked everywhere until its reveal toggle is clicked, and then only that one', async () => {
    const key = await send(bridge(), messageStatus({ to: '+15550100888' }))
    const other = await send(bridge(), messageStatus({ to: '+15550100889' }))
    await using visited = await visit(bridge())
    const { page } = visited
    const row = rowOf(page, key)
    await row.waitFor()
    expect(await row.innerText()).toContain('+1 555 ••• 0888')
    expect(await wholeDocument(page)).not.toContain('5550100888')

    await goTo(page, `#/events/${key}`)
    await page.locator('.json-line').first().waitFor()
    expect(await wholeDocument(page)).not.toContain('5550100888')
    await page.getByRole('button', { name: 'Raw' }).click()
    await page.locator('pre.raw').first().waitFor()
    expect(await wholeDocument(page)).not.toContain('5550100888')
    await goTo(page, '#/events')
    await row.getByRole('button', { name: /Reveal/ }).click()
    expect(await row.innerText()).toContain('+15550100888')
    await goTo(page, `#/events/${other}`)
    await page.locator('.pane').first().waitFor()
    expect(await wholeDocument(page)).not.toContain('5550100889')
    await goTo(page, '#/events')
    expect(await row.innerText()).toContain('+15550100888')
    await row.getByRole('button', { name: /Hide/ }).click()
    expect(await wholeDocument(page)).not.toContain('5550100888')
    await row.getByRole('button', { name: /Reveal/ }).click()
    await page.reload()
    await row.waitFor()
    expect(await wholeDocument(page)).not.toContain('5550100888')
    expect(page.url()).not.toContain('5550100')
  })

  it('[PG12] everything goes by keyboard: j and k, Enter, Escape back to the same row, / and ?', async () => {
    const older = await send(bridge(), messageStatus({ type: 'sent' }))
    const newer = await send(bridge(), messageStatus({ type: 'read' }))
    await using visited = await visit(bridge())
    const { page } = visited
    await rowOf(page, newer).waitFor()
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('href'))
    await page.keyboard.press('j')
    await soon(focused).toBe(`#/events/${newer}`)
    await page.keyboard.press('j')
    await soon(focused).toBe(`#/events/${older}`)
    await page.keyboard.press('k')
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'message.sent' }).waitFor()
    expect(page.url()).toMatch(new RegExp(`#/events/${older}$`))
    await page.keyboard.press('Escape')
    await rowOf(page, older).waitFor()
    await soon(focused).toBe(`#/events/${older}`)

    await page.keyboard.press('/')
    await soon(() => page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('search')
    await page.keyboard.type('jkp?')
    expect(await page.getByRole('searchbox').inputValue()).toBe('jkp?')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await keys.waitFor()
    expect(await keys.innerText()).toContain('open the event')
    await page.keyboard.press('Escape')
    await keys.waitFor({ state: 'detached' })
  })
})
