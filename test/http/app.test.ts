/** Who may look inside: nobody without the admin token, whatever the path is spelled like; health and webhook are open. */
import { request } from 'node:http'
import { expect, it } from 'vitest'
import { ask, describeHosts, shareBridge, toReply } from '../support/hosts.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const guarded: [method: string, path: string][] = [
  ['GET', '/metrics'],
  ['HEAD', '/metrics'],
  ['GET', '/api/stats'],
  ['HEAD', '/api/stats'],
  ['GET', '/api/events'],
  ['GET', '/api/events/1-0'],
  ['POST', '/api/events/1-0/retry'],
  ['POST', '/api/events/1-0/drop'],
  ['POST', '/api/dead-letters/retry'],
  ['POST', '/api/dead-letters/drop'],
  ['GET', '/api/notices'],
  ['GET', '/api/export'],
  ['POST', '/api/import'],
  ['GET', '/api'],
  ['GET', '/api/'],
  ['GET', '/api/there-is-no-such'],
  ['DELETE', '/api/events'],
  ['OPTIONS', '/api/stats'],
]

/** Other ways to write the path of something guarded. */
const spellings = [
  ...[
    '//api/stats',
    '/./api/stats',
    '/x/../api/stats',
    '/api//stats',
    '/api/./stats',
    '/api/stats/',
    '/API/stats',
  ],
  ...[
    '/%61pi/stats',
    '/api%2fstats',
    '/api%2Fstats',
    '/api%5cstats',
    '/api;/stats',
    '/api/stats;x',
    '/api/stats%00',
  ],
  ...[
    '/api/stats?x',
    '/api/stats%3fx',
    '/healthz/../api/stats',
    '/healthz/api/stats',
    '/webhooks/twilio/../../api/stats',
  ],
  ...[
    '/metrics/',
    '//metrics',
    '/%6detrics',
    '/metrics%20',
    '/Metrics',
    '/metrics;',
    '/metrics?x',
    '/metrics/../metrics',
  ],
]

/** With the path as it is: `fetch` would tidy it up. Gives the status. */
function get(origin: string, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(origin, { path }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', reject)
    sent.end()
  })
}

describeHosts('the guard', host => {
  const bridge = shareBridge(host)
  const knock = async (path: string, init: RequestInit = {}) =>
    toReply(await fetch(bridge().origin + path, init))
  const status = async (authorization: string) =>
    (await knock('/api/stats', { headers: { authorization } })).status

  it.each(guarded)('[AD1] %s %s wants the token', async (method, path) => {
    const { status, headers, json } = await knock(path, { method })
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toBe('Bearer')
    if (method !== 'HEAD') expect(json).toMatchObject({ error: 'unauthorized' })
  })

  it.each(spellings)('[AD1] %s opens nothing either', async path => {
    expect(await get(bridge().origin, path)).not.toBe(200)
  })

  it('[AD1] opens with the token, whatever the case of "Bearer"', async () => {
    expect(await status(`Bearer ${bridge().adminToken}`)).toBe(200)
    expect(await status(`bearer  ${bridge().adminToken}`)).toBe(200)
  })

  it('[AD2] stays shut for every other credential', async () => {
    const token = bridge().adminToken
    const wrong = [
      ...['Bearer', 'Bearer ', `Bearer ${token}x`, `Bearer x${token}`, `Bearer ${token.slice(0, -1)}`, token],
      ...[`Bearer ${token.toUpperCase()}`, `Bearer ${token} ${token}`, `Bearer "${token}"`, `Basic ${token}`],
      ...[`Basic ${btoa(`admin:${token}`)}`, `Token ${token}`, 'Bearer undefined', 'Bearer null'],
    ]
    for (const authorization of wrong)
      expect([authorization, await status(authorization)]).toEqual([authorization, 401])
  })

  it('[AD2] takes the token in no query and no cookie', async () => {
    const token = bridge().adminToken
    expect((await knock(`/api/stats?token=${token}&access_token=${token}`)).status).toBe(401)
    expect((await knock('/api/stats', { headers: { cookie: `token=${token}` } })).status).toBe(401)
  })

  it('[AD2] changes nothing without the token', async () => {
    await sendEvents(bridge().webhook, [{ ...messageStatus(), data: {} }])
    const { rejected } = await bridge().stats()
    expect((await knock('/api/dead-letters/drop', { method: 'POST' })).status).toBe(401)
    expect((await bridge().stats()).rejected).toBe(rejected)
  })

  it('[AD2] tells nobody the token', async () => {
    const answers = [
      await knock('/api/stats'),
      await knock('/'),
      await knock('/readyz'),
      await ask(bridge(), '/api/stats'),
    ]
    for (const { text } of answers) expect(text).not.toContain(bridge().adminToken)
  })

  it('[AD3] what it opens is kept in no cache', async () => {
    const { headers } = await ask(bridge(), '/api/events')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('[AD4] the health routes and the webhook are open', async () => {
    expect(await knock('/healthz')).toMatchObject({ status: 200, json: { status: 'up' } })
    expect(await knock('/readyz')).toMatchObject({ status: 200, json: { status: 'ready' } })
    expect((await sendEvents(bridge().webhook, [])).status).toBe(200)
  })

  it('[AD4] tells what there is not, as JSON', async () => {
    expect(await knock('/there-is-no-such')).toMatchObject({ status: 404, json: { error: 'not_found' } })
  })
})

describeHosts('readiness', host => {
  it('[AD5] is 503 with why while MAX_BACKLOG events wait; the process is up all the while', async () => {
    await using bridge = await host.start({ MAX_BACKLOG: '2' })
    bridge.segment.fail({ kind: 'status', status: 500 })
    await sendEvents(bridge.webhook, [messageStatus(), messageStatus()])
    const ready = async () => toReply(await fetch(`${bridge.origin}/readyz`))
    expect(await ready()).toMatchObject({
      status: 503,
      json: { status: 'not ready', troubles: ['backlog_full'] },
    })
    expect((await fetch(`${bridge.origin}/healthz`)).status).toBe(200)
    bridge.segment.heal()
    await bridge.until(({ pending }) => pending === 0)
    // On Workers the answer of before is remembered for some seconds.
    await expect.poll(async () => (await ready()).status, { timeout: 15_000 }).toBe(200)
  })

  it('[AD5] is 200 while Segment is down: the outbox takes events', async () => {
    await using bridge = await host.start()
    bridge.segment.fail({ kind: 'status', status: 500 })
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ delivery }) => delivery.failures > 0)
    expect((await fetch(`${bridge.origin}/readyz`)).status).toBe(200)
  })
})
