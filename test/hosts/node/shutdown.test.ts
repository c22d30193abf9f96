/** How the process ends when it is asked to: with 0, within 10 seconds, and with nothing lost, whatever hangs. */
// @module-tag long
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { newDataDir, type SpawnedBridge, spawnBridge } from '../../support/bridge.ts'
import { everyEvent } from '../../support/hosts.ts'
import { until } from '../../support/patience.ts'
import { startSegment } from '../../support/segment.ts'
import { sha256, sign } from '../../support/signatures.ts'
import { authToken, messageStatus, sendEvents } from '../../support/twilio.ts'

/** After this long the process ends itself, with 0 too: only the time tells a clean end from that one. */
const FORCED_MS = 9_000
/** The 10 seconds of the rule, and as many for a machine that is busy. */
const STOPPED_MS = 20_000

async function stop(bridge: SpawnedBridge, signal: NodeJS.Signals) {
  const from = Date.now()
  const code = await bridge.kill(signal)
  return { code, tookMs: Date.now() - from }
}

/** Until it takes no connection any more: it has begun to stop. */
async function isClosed({ origin }: SpawnedBridge): Promise<void> {
  await until('a closed port', () =>
    fetch(`${origin}/healthz`).then(
      () => false,
      () => true,
    ),
  )
}

describe.concurrent('the end of the process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    '[SV5] %s ends it with 0 at once when nothing is under way',
    async signal => {
      const dataDir = newDataDir()
      const bridge = await spawnBridge(dataDir, {
        SEGMENT_WRITE_KEY: 'key',
        SEGMENT_HOST: 'http://127.0.0.1:9',
      })
      const { code, tookMs } = await stop(bridge, signal)
      expect(code).toBe(0)
      expect(tookMs).toBeLessThan(FORCED_MS)
      rmSync(dataDir, { recursive: true })
    },
  )

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '[SV5] %s ends it within 10 seconds while Segment hangs, a request is half sent and connections are open',
    async signal => {
      const dataDir = newDataDir()
      await using segment = await startSegment()
      segment.fail({ kind: 'hang' })
      const bridge = await spawnBridge(dataDir, { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url })
      const { port } = new URL(bridge.origin)
      const event = messageStatus()
      await sendEvents(bridge.webhook, [event])
      await segment.waitFor(({ requests }) => requests.length > 0)
      const agent = new Agent({ keepAlive: true })
      const idle = request(`${bridge.origin}/healthz`, { agent }).end()
      const [response] = await once(idle, 'response')
      response.resume()
      const half = connect(Number(port), '127.0.0.1')
      half.on('error', () => undefined)
      half.write('POST /webhooks/twilio?bodySHA256=0 HTTP/1.1\r\nHost: x\r\nContent-Le')

      const { code, tookMs } = await stop(bridge, signal)
      expect(code).toBe(0)
      expect(tookMs).toBeLessThan(STOPPED_MS)
      agent.destroy()
      half.destroy()

      // What hung is pending, and goes out after the next start.
      segment.heal()
      const next = await spawnBridge(dataDir, { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url })
      await next.until(({ accepted }) => accepted === 1)
      expect([...segment.ids]).toEqual([event.id])
      expect((await stop(next, signal)).code).toBe(0)
      rmSync(dataDir, { recursive: true })
    },
  )

  it('[SV6] finishes the request under way, and takes none after it', async () => {
    const dataDir = newDataDir()
    const bridge = await spawnBridge(dataDir, {
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: 'http://127.0.0.1:9',
    })
    const body = JSON.stringify([messageStatus()])
    const url = `${bridge.webhook}?bodySHA256=${sha256(body)}`
    const agent = new Agent({ keepAlive: true })
    const headers = {
      'x-twilio-signature': sign(url, authToken),
      'content-length': body.length,
      // So that it is known when the request is under way.
      expect: '100-continue',
    }
    const late = request(url, { method: 'POST', agent, headers })
    const answered = once(late, 'response')
    late.flushHeaders()
    await once(late, 'continue')
    late.write(body.slice(0, 10))
    const stopping = stop(bridge, 'SIGTERM')
    await isClosed(bridge)
    late.end(body.slice(10))
    const [{ statusCode, headers: answer }] = await answered
    expect(statusCode).toBe(200)
    expect(answer.connection).toBe('close')
    const { code, tookMs } = await stopping
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(FORCED_MS)
    agent.destroy()
    rmSync(dataDir, { recursive: true })
  })

  it('[SV6] under load, everything it answered 200 is there at the next start', async () => {
    const dataDir = newDataDir()
    const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: 'http://127.0.0.1:9' }
    const bridge = await spawnBridge(dataDir, settings)
    const kept: string[] = []
    let isOver = false
    async function send(): Promise<void> {
      while (!isOver) {
        const events = [messageStatus(), messageStatus()]
        const response = await sendEvents(bridge.webhook, events).catch(() => undefined)
        if (response?.ok) kept.push(...events.map(({ id }) => id))
        else if (!response) return
      }
    }
    const sending = Promise.all(Array.from({ length: 4 }, send))
    await until('some acknowledged events', () => kept.length >= 100)
    const { code, tookMs } = await stop(bridge, 'SIGTERM')
    isOver = true
    await sending
    expect(code).toBe(0)
    expect(tookMs).toBeLessThan(STOPPED_MS)
    const next = await spawnBridge(dataDir, settings)
    const ids = new Set((await everyEvent(next)).map(({ id }) => id))
    expect(kept.filter(id => !ids.has(id))).toEqual([])
    await next.kill('SIGKILL')
    rmSync(dataDir, { recursive: true })
  })

  it('[SV5] a signal that comes twice at once, as from a supervisor and its group, is one', async () => {
    const dataDir = newDataDir()
    await using segment = await startSegment()
    segment.fail({ kind: 'hang' })
    const bridge = await spawnBridge(dataDir, { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url })
    await sendEvents(bridge.webhook, [messageStatus()])
    await segment.waitFor(({ requests }) => requests.length > 0)
    bridge.process.kill('SIGTERM')
    await sleep(50)
    expect((await stop(bridge, 'SIGTERM')).code).toBe(0)
    rmSync(dataDir, { recursive: true })
  })

  it('[SV5] a person who insists gets an end at once, with 1', async () => {
    const dataDir = newDataDir()
    await using segment = await startSegment()
    segment.fail({ kind: 'hang' })
    const bridge = await spawnBridge(dataDir, { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url })
    await sendEvents(bridge.webhook, [messageStatus()])
    await segment.waitFor(({ requests }) => requests.length > 0)
    bridge.process.kill('SIGINT')
    await isClosed(bridge)
    // A second signal within one second of the first counts as the same.
    await sleep(1_500)
    expect((await stop(bridge, 'SIGINT')).code).toBe(1)
    rmSync(dataDir, { recursive: true })
  })
})
