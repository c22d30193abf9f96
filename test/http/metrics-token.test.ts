/** METRICS_TOKEN: what a scraper holds opens `/metrics` and nothing else. */
import { expect, it } from 'vitest'
import { readSettings } from '../../src/config.ts'
import { describeHosts, shareBridge } from '../support/hosts.ts'

const METRICS_TOKEN = 'the-token-of-the-scraper'

describeHosts('the token of the scraper', host => {
  const bridge = shareBridge(host, () => ({ METRICS_TOKEN }))
  const status = async (path: string, token: string, method = 'GET') => {
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(bridge().origin + path, { method, headers })
    await response.text()
    return response.status
  }

  it('[ME200] opens /metrics, as the admin token does', async () => {
    expect(await status('/metrics', METRICS_TOKEN)).toBe(200)
    expect(await status('/metrics', bridge().adminToken)).toBe(200)
    for (const wrong of ['', `${METRICS_TOKEN}x`, METRICS_TOKEN.slice(1), 'undefined'])
      expect([wrong, await status('/metrics', wrong)]).toEqual([wrong, 401])
  })

  it.each([
    ['GET', '/api/stats'],
    ['GET', '/api/events'],
    ['GET', '/api/status'],
    ['GET', '/api/stream'],
    ['POST', '/api/dead-letters/drop'],
    ['POST', '/api/deliver-now'],
  ])('[ME200] does not open %s %s', async (method, path) => {
    expect(await status(path, METRICS_TOKEN, method)).toBe(401)
  })

  it('[ME200] logs nobody in', async () => {
    const response = await fetch(`${bridge().origin}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: METRICS_TOKEN }),
    })
    expect(response.status).toBe(401)
  })
})

it('[ME200] must not be the admin token', () => {
  const read = readSettings({ TWILIO_AUTH_TOKEN: 'x', ADMIN_TOKEN: METRICS_TOKEN, METRICS_TOKEN })
  expect(read).toMatchObject({ ok: false, faults: [{ name: 'METRICS_TOKEN' }] })
  expect(JSON.stringify(read)).not.toContain(METRICS_TOKEN)
})
