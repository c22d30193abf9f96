/** The routes of destinations, on both hosts; the command that uses them, on Node. */
import { describe, expect, it } from 'vitest'
import { createDestinationsCommand } from '../../src/cli/destinations.ts'
import { startBridge } from '../support/bridge.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { describeHosts } from '../support/hosts.ts'
import { startSegment } from '../support/segment.ts'
import { authToken, messageStatus, sendEvents } from '../support/twilio.ts'

const TOKEN = 'the-token-of-the-tests'
const post = (origin: string, path: string, body?: object) =>
  fetch(`${origin}/api/destinations/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    ...(body && { body: JSON.stringify(body) }),
  })

describeHosts('destinations', host => {
  it('[AP200] one is listed, paused, and resumed; what waited is delivered', async () => {
    await using bridge = await host.start()
    const paused = await post(bridge.origin, 'segment/pause')
    expect(await paused.json()).toMatchObject({ name: 'segment', paused: 'paused_by_operator' })
    await sendEvents(bridge.webhook, [messageStatus(), messageStatus()])
    await bridge.until(({ pending }) => pending === 2)
    const { destinations } = await bridge.api<{ destinations: object[] }>('/api/destinations')
    expect(destinations).toEqual([
      expect.objectContaining({ name: 'segment', paused: 'paused_by_operator', accepted: 0, filtered: 0 }),
    ])
    const status = await bridge.api<{ ok: boolean; destinations: object[] }>('/api/status')
    expect(status).toMatchObject({
      ok: false,
      destinations: [{ state: 'paused', reason: 'paused_by_operator', waiting: 2 }],
    })
    await post(bridge.origin, 'segment/deliver-now')
    expect(bridge.segment.ids.size).toBe(0)
    expect(await (await post(bridge.origin, 'segment/resume')).json()).toMatchObject({ paused: null })
    await bridge.until(({ accepted }) => accepted === 2)
  })

  it('[AP200] a name, or a hash, that there is not gets a sentence that says so', async () => {
    await using bridge = await host.start()
    const unknown = await post(bridge.origin, 'nobody/pause')
    expect(unknown.status).toBe(404)
    expect(await unknown.json()).toMatchObject({ message: expect.stringContaining('there are: segment') })
    expect((await post(bridge.origin, 'confirm', { hash: 'abc123' })).status).toBe(409)
    expect((await post(bridge.origin, 'confirm', {})).status).toBe(400)
    expect((await fetch(`${bridge.origin}/api/destinations`)).status).toBe(401)
  })
})

describe('the command destinations', () => {
  it('[OP200] lists, pauses, resumes, hurries; says what is not there', async () => {
    await using segment = await startSegment()
    await using bridge = await startBridge({ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url })
    const environment = { TWILIO_AUTH_TOKEN: authToken, DATA_DIR: bridge.dataDir }
    const run = (...args: string[]) => runCommand(createDestinationsCommand, args, { environment })
    expect((await run('pause', 'segment')).code).toBe(0)
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ pending }) => pending === 1)
    const { code, out } = await run('list')
    expect(code).toBe(0)
    expect(out).toEqual([
      expect.stringMatching(/^NAME +STATE +WAITING +HELD BACK +ACCEPTED +WHERE$/),
      expect.stringMatching(/^segment +paused \(paused_by_operator\) +1 +0 +0 +http/),
    ])
    expect(JSON.parse((await run('list', '--json')).out.join(''))).toMatchObject([{ state: 'paused' }])
    expect(await run('resume', 'segment')).toMatchObject({ code: 0, said: 'segment gets events again.' })
    await bridge.until(({ accepted }) => accepted === 1)
    expect((await run('deliver-now', 'segment')).code).toBe(0)
    const wrong = await run('pause', 'acme')
    expect(wrong).toMatchObject({ code: 1, said: expect.stringContaining('there are: segment') })
    expect(await run('confirm')).toMatchObject({ code: 1, said: 'No change waits to be confirmed.' })
  })
})
