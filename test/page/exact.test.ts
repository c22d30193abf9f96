/** What the page shows of data that JavaScript would show in another way: long numbers, base64, a number's other spellings. */
import { expect, it } from 'vitest'
import { describeHosts, listEvents, shareBridge } from '../support/hosts.ts'
import { messageStatus, sendBody } from '../support/twilio.ts'
import { soon, useBrowser } from './browser.ts'

const visit = useBrowser()

describeHosts('one event', host => {
  const bridge = shareBridge(host)

  async function send(body: string, id: string) {
    await sendBody(bridge().webhook, body)
    const find = async () => (await listEvents(bridge(), `q=${id}`)).find(one => one.id === id)
    await soon(async () => (await find())?.state).toBe('accepted')
    return (await find())?.key ?? ''
  }

  it('[MP92] [PG13] shows and copies numbers with the digits they came with', async () => {
    const event = messageStatus({ id: 'EZdigits', data: { cost: 'COST' } })
    const key = await send(
      `[${JSON.stringify(event).replace('"COST"', '[12345678901234567890,1.10]')}]`,
      event.id,
    )
    await using visited = await visit(bridge(), { hash: `#/events/${key}` })
    const { page } = visited
    for (const pane of [page.locator('.pane').first(), page.locator('.pane').nth(1)]) {
      await pane.getByText('12345678901234567890').waitFor()
      expect(await pane.locator('.json-number').allInnerTexts()).toContain('1.10')
    }
    await page.getByRole('button', { name: 'Raw' }).click()
    expect(await page.locator('pre.raw').nth(1).innerText()).toContain('"cost":[12345678901234567890,1.10]')
    await page.getByRole('button', { name: 'Copy as curl' }).click()
    await soon(() => page.evaluate(() => navigator.clipboard.readText())).toContain(
      '[12345678901234567890,1.10]',
    )
  })

  it('[VA92] [PG13] f07: data in base64 is shown as what it says, and lights up', async () => {
    const { data, ...envelope } = messageStatus({ id: 'EZbase64' })
    const key = await send(
      JSON.stringify({ ...envelope, data_base64: btoa(JSON.stringify(data)) }),
      envelope.id,
    )
    await using visited = await visit(bridge(), { hash: `#/events/${key}` })
    const { page } = visited
    const [from, to] = [page.locator('.pane').first(), page.locator('.pane').nth(1)]
    await from.getByText('sent as base64').waitFor()
    await to.getByRole('button', { name: '← $.data_base64.to' }).first().focus()
    const source = from.locator('[data-path="$.data_base64.to"]')
    await soon(() => source.getAttribute('class')).toContain('json-lit')
  })

  it('[MP90] [PG11] a number in another spelling is masked in the track call too', async () => {
    const to = 'whatsapp:%2B15550100177'
    const event = messageStatus({ id: 'EZspelt', to })
    const key = await send(JSON.stringify(event), event.id)
    await using visited = await visit(bridge(), { hash: `#/events/${key}` })
    const { page } = visited
    await page.locator('.pane').nth(1).getByText('externalIds').waitFor()
    expect(await page.locator('.panes').innerText()).not.toContain('15550100177')
  })
})
