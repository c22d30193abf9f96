/** HEARTBEAT_URL: called while all is well, silent otherwise; on both hosts. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createHeartbeat } from '../../src/alerts/heartbeat.ts'
import { startBridge } from '../support/bridge.ts'
import { createLogKeeper } from '../support/dispatcher.ts'
import { until } from '../support/patience.ts'
import { startSegment } from '../support/segment.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'
import { startWorkers } from '../support/workers.ts'

const EACH_MINUTE = '* * * * *'

async function startMonitor() {
  const calls: { method: string; url: string; authorization: string | undefined }[] = []
  const monitor = { status: 200 }
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    calls.push({ method, url, authorization: headers.authorization })
    response.writeHead(monitor.status).end('OK')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ping/secret-id`,
    calls,
    answer(status: number) {
      monitor.status = status
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('the heartbeat', () => {
  it('[NT202] is one GET while all is well, and none when it is not or nobody can tell', async () => {
    await using monitor = await startMonitor()
    const { log, lines } = createLogKeeper()
    let isWell: () => Promise<boolean> = async () => true
    const beat = createHeartbeat({ url: monitor.url, isHealthy: () => isWell(), send: fetch, log })
    await beat()
    expect(monitor.calls).toEqual([{ method: 'GET', url: '/ping/secret-id', authorization: undefined }])
    isWell = async () => false
    await beat()
    isWell = async () => Promise.reject(new Error('no answer'))
    await beat()
    expect(monitor.calls).toHaveLength(1)
    expect(lines).toEqual([])
  })

  it('[NT202] a monitor that fails is one line of the log until it answers, and its address is in none', async () => {
    await using monitor = await startMonitor()
    const { log, lines } = createLogKeeper()
    const url = monitor.url.replace('://', '://me:p%40ss@')
    const beat = createHeartbeat({ url, isHealthy: async () => true, send: fetch, log })
    monitor.answer(500)
    await beat()
    await beat()
    expect(lines.map(({ message }) => message)).toEqual(['HEARTBEAT_URL could not be called'])
    monitor.answer(200)
    await beat()
    monitor.answer(404)
    await beat()
    expect(lines).toHaveLength(2)
    expect(JSON.stringify(lines)).not.toMatch(/secret-id|p@ss|p%40ss/)
    expect(monitor.calls[0]?.authorization).toBe(`Basic ${btoa('me:p@ss')}`)
  })

  it('[NT202] on Node begins with the start', async () => {
    await using monitor = await startMonitor()
    await using bridge = await startBridge({ HEARTBEAT_URL: monitor.url })
    await until('the heartbeat', () => monitor.calls.length === 1)
    expect((await bridge.stats()).received).toBe(0)
  })

  it('[NT202] on Workers goes with a trigger each minute, and stops while deliveries fail', {
    tags: 'long',
  }, async () => {
    await using monitor = await startMonitor()
    await using segment = await startSegment()
    const bridge = await startWorkers({
      HEARTBEAT_URL: monitor.url,
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: segment.url,
    })
    await bridge.cron(EACH_MINUTE)
    expect(monitor.calls).toHaveLength(1)
    await bridge.cron('*/5 * * * *')
    expect(monitor.calls, 'the watchdog calls nobody').toHaveLength(1)
    segment.fail({ kind: 'status', status: 401 })
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ delivery }) => delivery.wait === 'paused')
    await bridge.cron(EACH_MINUTE)
    expect(monitor.calls).toHaveLength(1)
    await bridge.stop()
    const wrangler = readFileSync(join(import.meta.dirname, '../../wrangler.toml'), 'utf8')
    expect(/^crons = (.*)$/m.exec(wrangler)?.[1]).toContain(`"${EACH_MINUTE}"`)
  })
})
