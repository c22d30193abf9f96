/** Who gets to the page, on both hosts: the form, the start-up link, the end of a session; and what is kept in the browser. */
// @module-tag long
import { expect, it } from 'vitest'
import { describeHosts } from '../support/hosts.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'
import { goTo, rowsOf, soon, useBrowser, wholeDocument } from './browser.ts'

const visit = useBrowser()
/** What Chromium itself says of a 401 and a 429. */
const expected = /status of (401|429)/

describeHosts('the session', host => {
  it('[PG18] the form tells a wrong token, too many tries and the right token; nothing is shown before', async () => {
    await using bridge = await host.start()
    await sendEvents(bridge.webhook, [messageStatus()])
    await using visited = await visit(bridge, { loggedIn: false, expected, hash: '#/events?state=accepted' })
    const { page } = visited
    const field = page.getByLabel('Admin token')
    await field.waitFor()
    expect(await wholeDocument(page)).not.toContain('message.delivered')
    await field.fill('wrong')
    await field.press('Enter')
    await page.getByText('Wrong token.').waitFor()
    // A slow browser is given another try every ten seconds: not always is it the sixth that is one too many.
    const said = page.locator('.login-said')
    for (let tries = 0; tries < 12 && !(await said.innerText()).startsWith('Too many'); tries += 1) {
      await field.fill(`wrong ${tries}`)
      await field.press('Enter')
      await soon(() => page.getByRole('button', { name: 'Log in' }).isEnabled()).toBe(true)
    }
    await page.getByText(/Too many attempts. Wait \d+ seconds/).waitFor()
    const wait = Number(/Wait (\d+)/.exec(await said.innerText())?.[1])
    await page.waitForTimeout(wait * 1_000)
    await field.fill(bridge.adminToken)
    await page.getByRole('button', { name: 'Log in' }).click()
    await rowsOf(page).first().waitFor()
    expect(page.url()).toMatch(/#\/events\?state=accepted$/)
    expect(await wholeDocument(page)).not.toContain(bridge.adminToken)
  })

  it('[PG19] the start-up link logs in; the token leaves the address and is kept nowhere a script reads', async () => {
    await using bridge = await host.start()
    await using visited = await visit(bridge)
    const { page, requested } = visited
    expect(page.url()).toBe(`${bridge.origin}/debugger/#/events`)
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, history.state]),
    )
    expect(kept).not.toContain(bridge.adminToken)
    expect(requested.filter(url => new URL(url).search.includes(bridge.adminToken))).toEqual([])
    await page.goBack()
    await page.goForward()
    await soon(() => page.url()).not.toContain(bridge.adminToken)
  })

  it('[PG19] a start-up link with another token shows the form and says why', async () => {
    await using bridge = await host.start()
    await using visited = await visit(bridge, { loggedIn: false, hash: '#token=of-another-bridge', expected })
    await visited.page.getByText('The token in this link is wrong.').waitFor()
    expect(visited.page.url()).not.toContain('token')
  })

  it('[PG20] after a logout, and when the session has ended, there is only the form', async () => {
    await using bridge = await host.start()
    await sendEvents(bridge.webhook, [messageStatus()])
    await using visited = await visit(bridge, { expected })
    const { page, context } = visited
    await rowsOf(page).first().waitFor()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Admin token').waitFor()
    expect(await rowsOf(page).count()).toBe(0)
    await page.reload()
    await page.getByLabel('Admin token').fill(bridge.adminToken)
    await page.getByLabel('Admin token').press('Enter')
    await rowsOf(page).first().waitFor()

    const href = await rowsOf(page).first().locator('a.row-link').getAttribute('href')
    await context.clearCookies()
    // Not by a click on the row: a question still under way may have met the end of the session first, and the rows are gone.
    await goTo(page, href ?? '')
    await page.getByText('Your session has ended. Log in again').waitFor()
    expect(await page.locator('.json').count()).toBe(0)
    await page.getByLabel('Admin token').fill(bridge.adminToken)
    await page.getByLabel('Admin token').press('Enter')
    await page.locator('.json').first().waitFor()
    expect(page.url()).toMatch(/#\/events\/\d/)
  })

  it('[PG21] the theme goes from the system to light to dark, and a reload keeps it', async () => {
    await using bridge = await host.start()
    await using visited = await visit(bridge)
    const { page } = visited
    const ink = () => page.evaluate(() => getComputedStyle(document.body).color)
    const light = await ink()
    const toggle = page.getByRole('button', { name: /^Theme/ })
    await toggle.click()
    expect(await ink()).toBe(light)
    await toggle.click()
    const dark = await ink()
    expect(dark).not.toBe(light)
    await page.reload()
    await toggle.waitFor()
    expect(await ink()).toBe(dark)
    await page.emulateMedia({ colorScheme: 'dark' })
    await toggle.click()
    expect(await ink()).toBe(dark)
  })
})
