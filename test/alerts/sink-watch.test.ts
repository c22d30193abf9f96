/** Whether Twilio still has the sink active: asked of a stand-in of its API, by both hosts once a day. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { toNotice } from '../../src/alerts/notice.ts'
import { createSinkWatch, SINK_WATCH_EVERY_MS } from '../../src/alerts/sink-watch.ts'
import { calm, type Failure, record, take } from '../../src/alerts/throttle.ts'
import { watchSink } from '../../src/hosts/node/sink-timer.ts'
import { startBridge, toSettings } from '../support/bridge.ts'
import { createLogKeeper } from '../support/dispatcher.ts'
import { accountSid, authToken } from '../support/twilio.ts'
import { apiKey, startTwilioApi, type TwilioApi } from '../support/twilio-api.ts'

const destination = 'https://bridge.example.com/webhooks/twilio'
const known = { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken }

function watch(api: TwilioApi, environment: Record<string, string>) {
  const reports: Failure[] = []
  const { log, lines } = createLogKeeper()
  const look = createSinkWatch({
    settings: toSettings(environment),
    send: (url, init) => fetch(url.replace('https://events.twilio.com', api.origin), init),
    report: failure => void reports.push(failure),
    log,
    now: () => 7,
  })
  return { look, reports, lines }
}

describe('the daily look at the sink', () => {
  it('[NT204] one that is active is no news; one that is not, or is gone, is', async () => {
    await using api = await startTwilioApi()
    const events = await api.connect({ accountSid, username: accountSid, password: authToken })
    const { sid } = await events.createSink('bridge', destination)
    for (const more of [known, { ...known, TWILIO_API_KEY: apiKey.sid, TWILIO_API_SECRET: apiKey.secret }]) {
      const { look, reports, lines } = watch(api, { ...more, SINK_SID: sid })
      await look?.()
      expect({ reports, lines }).toEqual({ reports: [], lines: [] })
    }
    const { look, reports } = watch(api, { ...known, SINK_SID: sid })
    const sink = api.sinks.get(sid)
    if (!sink) throw new Error('The sink is there')
    sink.status = 'failed'
    await look?.()
    expect(reports).toEqual([
      { reason: 'sink_inactive', at: 7, count: 1, answer: `${sid} has the status failed` },
    ])
    await events.deleteSink(sid)
    await look?.()
    expect(reports[1]?.answer).toBe(`${sid} does not exist (any more)`)
  })

  it('[NT204] an API that does not answer, or refuses, is a line of the log without credentials', async () => {
    await using api = await startTwilioApi()
    const { look, reports, lines } = watch(api, { ...known, SINK_SID: `DG${'0'.repeat(32)}` })
    for (const failure of ['cut', { status: 500, body: {} }, { status: 401, body: {} }] as const) {
      api.fail(failure)
      await look?.()
    }
    expect(reports).toEqual([])
    expect(lines).toHaveLength(3)
    expect(JSON.stringify(lines)).not.toMatch(
      new RegExp(`${authToken}|${btoa(`${accountSid}:${authToken}`)}`),
    )
  })

  it('[NT204] nobody is asked without a sink or without credentials', async () => {
    await using api = await startTwilioApi()
    const SINK_SID = `DG${'0'.repeat(32)}`
    for (const environment of [known, { TWILIO_AUTH_TOKEN: authToken, SINK_SID }])
      expect(watch(api, environment).look).toBeUndefined()
    expect(watch(api, { ...known, SINK_SID, TWILIO_API_KEY: apiKey.sid }).look, 'half a key').toBeUndefined()
  })

  it('[NT204] the notice says what to do and what Twilio has', () => {
    const failure = { reason: 'sink_inactive', at: 0, count: 1, answer: 'DG… has the status failed' } as const
    const { digest } = take(record(calm, failure), 0, 60_000)
    if (!digest) throw new Error('nothing was told')
    const about = { sid: 'NO', accountSid: 'AC', sinkSid: 'DG', now: 0, waiting: 0, waitingSince: undefined }
    expect(toNotice(digest, { component: 'webhook', ...about }).payload.message).toMatch(
      /^Run "npx .* Twilio does not deliver: the sink is not active: DG… has the status failed\. 1 daily check found it so/,
    )
  })
})

describe('on Node', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  const environment = { ...known, SINK_SID: `DG${'0'.repeat(32)}` }

  it('[NT204] Twilio is asked a minute after the start, then once a day, and not after the end', async () => {
    let asked = 0
    const end = watchSink({
      settings: toSettings(environment),
      send: async () => {
        asked += 1
        return Response.json({ status: 'active' })
      },
      report: () => undefined,
      log: createLogKeeper().log,
      now: () => 0,
    })
    expect(asked).toBe(0)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).toBe(1)
    await vi.advanceTimersByTimeAsync(SINK_WATCH_EVERY_MS)
    expect(asked).toBe(2)
    end()
    await vi.advanceTimersByTimeAsync(2 * SINK_WATCH_EVERY_MS)
    expect(asked).toBe(2)
  })

  it('[NT204] a bridge that is served asks', async () => {
    const asked: string[] = []
    const real = fetch
    vi.stubGlobal('fetch', async (url: string, init?: RequestInit) => {
      if (!String(url).startsWith('https://events.twilio.com')) return real(url, init)
      asked.push(url)
      return Response.json({ status: 'active' })
    })
    const bridge = await startBridge(environment)
    await vi.advanceTimersByTimeAsync(60_000)
    vi.useRealTimers()
    await bridge[Symbol.asyncDispose]()
    expect(asked).toEqual([`https://events.twilio.com/v1/Sinks/${environment.SINK_SID}`])
  })
})
