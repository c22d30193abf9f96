/** The last hour's rates, kept by the bridge: they are there before anybody looks. */
// @module-tag long
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Pulse } from '../../src/admin/changes.ts'
import { silentStats } from '../../src/hosts/workers/shards/silent.ts'
import { createRatesApi } from '../../src/http/rates-routes.ts'
import type { Rates } from '../../src/stats/rates.ts'
import { ask, describeHosts, type Hosted } from '../support/hosts.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const rates = (bridge: Pick<Hosted, 'api'>, window = '1h') => bridge.api<Rates>(`/api/rates?window=${window}`)
const last = (bridge: Pick<Hosted, 'api'>) => async () => (await rates(bridge)).in.at(-1) ?? 0

describeHosts('rates', host => {
  it('[RA170] the last hour is there by minute, of what was read', async () => {
    await using bridge = await host.start()
    expect(await rates(bridge)).toMatchObject({ window: '1h', stepSeconds: 60 })
    await sendEvents(bridge.webhook, [messageStatus(), messageStatus(), messageStatus()])
    await bridge.until(({ accepted }) => accepted === 3)
    await expect.poll(last(bridge)).toBeGreaterThan(0)
    const { in: came, out: went } = await rates(bridge)
    expect([came.length, went.length]).toEqual([60, 60])
    expect(came.slice(0, 50)).toEqual(Array(50).fill(null))
  })

  it('[RA171] a day and a week are by the hour, out of what is stored', async () => {
    await using bridge = await host.start()
    await sendEvents(bridge.webhook, [messageStatus(), messageStatus()])
    await bridge.until(({ accepted }) => accepted === 2)
    for (const [window, hours] of [
      ['24h', 25],
      ['7d', 169],
    ] as const) {
      const answer = await rates(bridge, window)
      expect(answer).toMatchObject({ window, stepSeconds: 3_600 })
      expect([answer.in.length, answer.out.length]).toEqual([hours, hours])
      expect(answer.in.reduce<number>((sum, n) => sum + (n ?? 0) * 3_600, 0)).toBeCloseTo(2, 6)
    }
  })

  it('[RA172] needs the token, and another window is 400', async () => {
    await using bridge = await host.start()
    expect((await fetch(`${bridge.origin}/api/rates`)).status).toBe(401)
    expect((await ask(bridge, '/api/rates?window=2h')).status).toBe(400)
    expect((await ask(bridge, '/api/rates?windows=1h')).status).toBe(400)
  })
})

it('[RA170] a host that runs all the time reads by itself, every ten seconds until it stops', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const stopping = new AbortController()
  let readings = 0
  const pulse = async () => {
    readings += 1
    throw new Error('no reading')
  }
  createRatesApi({ pulse, quality: async () => ({ kinds: [] }) }, { now: Date.now, running: stopping.signal })
  expect(readings).toBe(1)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(readings).toBe(4)
  stopping.abort()
  await vi.advanceTimersByTimeAsync(30_000)
  expect(readings).toBe(4)
  createRatesApi({ pulse, quality: async () => ({ kinds: [] }) }, { now: Date.now, running: undefined })
  expect(readings).toBe(4)
})

it('[RA190] a reading that lacks the figures of a shard is none: no leap when it answers again', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const stopping = new AbortController()
  onTestFinished(() => stopping.abort())
  let isSilent = false
  const pulse = async (): Promise<Pulse> => {
    const stats = isSilent ? silentStats(new Error('no answer')) : { ...silentStats(''), received: 1_000_000 }
    const { counts: _, unreadable, ...figures } = stats
    return {
      ...{ events: [], missed: 0, changes: [], cursor: '' },
      stats: isSilent ? { ...figures, unreadable: unreadable ?? [] } : figures,
    }
  }
  const { routes } = createRatesApi(
    { pulse, quality: async () => ({ kinds: [] }) },
    { now: Date.now, running: stopping.signal },
  )
  await vi.advanceTimersByTimeAsync(120_000)
  isSilent = true
  await vi.advanceTimersByTimeAsync(60_000)
  isSilent = false
  await vi.advanceTimersByTimeAsync(120_000)
  const { in: came } = (await (await routes.request('/rates')).json()) as Rates
  expect(new Set(came)).toEqual(new Set([null, 0]))
})
