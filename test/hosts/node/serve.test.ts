/** The bridge as a process: how it starts, refuses to start, and comes back after it was killed. */
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { newDataDir, type SpawnedBridge, spawnBridge } from '../../support/bridge.ts'
import { everyEvent, sumOfStates } from '../../support/hosts.ts'
import { cookieOf, logIn } from '../../support/login.ts'
import { until } from '../../support/patience.ts'
import { startSegment } from '../../support/segment.ts'
import { messageStatus, sendBody, sendEvents } from '../../support/twilio.ts'

const toSegment = (url: string) => ({ SEGMENT_WRITE_KEY: 'the-write-key', SEGMENT_HOST: url })
const nowhere = toSegment('http://127.0.0.1:9')

const hasScript = spawnSync('script', ['--version']).status === 0

/** A folder that goes with the test. */
function useFolder(): { path: string } & Disposable {
  const path = newDataDir()
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** What the process said when it ended instead of getting ready: `the bridge ended with <code>: <stderr>`. */
async function lastWords(dataDir: string, environment: Record<string, string>): Promise<string> {
  const bridge = await spawnBridge(dataDir, environment).catch((error: Error) => error.message)
  if (typeof bridge === 'string') return bridge
  await bridge.kill('SIGKILL')
  throw new Error('It started')
}

describe.concurrent('serve', () => {
  it('[SV1] says where the webhook is, where events go, and how to look; it says no secret', async () => {
    using folder = useFolder()
    const token = 'a-secret-auth-token'
    const bridge = await spawnBridge(folder.path, {
      ...nowhere,
      TWILIO_AUTH_TOKEN: token,
      ADMIN_TOKEN: 'a-secret-admin-token',
      LOG_LEVEL: 'debug',
    })
    await sendEvents(bridge.webhook, [messageStatus(), messageStatus({ data: { from: 7 } })], { token })
    await sendBody(bridge.webhook, 'no JSON about +15550100199', { token })
    await sendEvents(bridge.webhook, [messageStatus()], { token: 'another token' })
    await fetch(`${bridge.origin}/api/stats`, { headers: { authorization: 'Bearer wrong' } })
    for (const guess of [bridge.adminToken, 'a-wrong-guess']) await logIn(bridge.origin, guess)
    await bridge.until(({ delivery }) => delivery.failures > 0)
    await bridge.kill('SIGTERM')
    const said = bridge.stderr.join('\n')
    expect(said).toContain(`webhook    ${bridge.webhook}`)
    expect(said).toContain('forwards   to http://127.0.0.1:9/v1/batch')
    expect(said).toContain(`debugger   ${bridge.origin}/debugger/\n`)
    expect(said).toContain('"reason":"schema_rejected"')
    for (const secret of [
      bridge.adminToken,
      'a-wrong-guess',
      token,
      'the-write-key',
      '15550100199',
      '15550100100',
    ]) {
      expect(said).not.toContain(secret)
    }
  })

  it('[CF220] a token made by the bridge goes into no log: the start-up text names its file', async () => {
    using folder = useFolder()
    const bridge = await spawnBridge(folder.path, { ...nowhere, LOG_LEVEL: 'debug' })
    const said = () => bridge.stderr.join('\n')
    await vi.waitFor(() => expect(said()).toContain('figures '))
    expect(bridge.adminToken).toHaveLength(32)
    expect(said()).not.toContain(bridge.adminToken)
    expect(said()).toContain(`(log in with the token in ${join(folder.path, 'admin-token')})`)
    await bridge.kill('SIGTERM')
  })

  it.runIf(hasScript)('[SV7] on a terminal it is said once, in a link that logs in', async () => {
    using folder = useFolder()
    const bridge = await spawnBridge(folder.path, { ...nowhere, LOG_LEVEL: 'debug' }, 'terminal')
    const said = () => bridge.stderr.join('\n')
    await vi.waitFor(() => expect(said()).toContain('debugger '))
    const [link = ''] = /(?<=debugger +)http\S+/.exec(said()) ?? []
    const { origin, pathname, hash } = new URL(link)
    expect((await fetch(origin + pathname)).status).toBe(200)
    const token = new URLSearchParams(hash.slice(1)).get('token') ?? ''
    const login = await logIn(origin, token)
    expect(login.status).toBe(204)
    expect((await fetch(`${origin}/api/stats`, { headers: { cookie: cookieOf(login) } })).status).toBe(200)
    await bridge.kill('SIGTERM')
    expect(said().split(token)).toHaveLength(2)
  })

  it('[SV2] a second process on the same folder refuses with a sentence; the first goes on unharmed', async () => {
    using folder = useFolder()
    const first = await spawnBridge(folder.path, nowhere)
    const words = await lastWords(folder.path, nowhere)
    expect(words).toMatch(/^the bridge ended with 1: /)
    expect(words).toContain(`another bridge (process ${first.process.pid}, ${first.origin}) is running on it`)
    expect(words).not.toContain('    at ')
    expect((await sendEvents(first.webhook, [messageStatus()])).status).toBe(200)
    expect((await first.stats()).received).toBe(1)
    expect(await first.kill('SIGTERM')).toBe(0)

    const next = await spawnBridge(folder.path, nowhere)
    expect((await next.stats()).received).toBe(1)
    await next.kill('SIGTERM')
  })

  it('[SV3] wrong settings end with 2, each named, in the environment as in .env', async () => {
    using folder = useFolder()
    writeFileSync(join(folder.path, '.env'), 'SEGMENT_REGION=mars\nMAX_BACKLOG=7\n')
    const words = await lastWords(folder.path, {
      TWILIO_AUTH_TOKEN: '',
      PORT: 'eighty',
      SEGMENT_WRIT_KEY: 'x',
    })
    expect(words).toMatch(/^the bridge ended with 2: Invalid settings:/)
    for (const name of ['TWILIO_AUTH_TOKEN', 'PORT', 'SEGMENT_WRIT_KEY', 'SEGMENT_REGION'])
      expect(words).toContain(`${name}: got`)
    expect(words).not.toContain('MAX_BACKLOG: got')
    expect(words).not.toContain('    at ')
  })

  it('[SV3] a port in use ends with 1 and a sentence, and lets the folder go', async () => {
    using folder = useFolder()
    const other = createServer()
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const PORT = String(typeof address === 'object' ? address?.port : '')
    const words = await lastWords(folder.path, { ...nowhere, PORT })
    expect(words).toMatch(/^the bridge ended with 1: /)
    expect(words).toContain(`Cannot listen on HOST 127.0.0.1, PORT ${PORT}: listen EADDRINUSE`)
    expect(words).not.toContain('    at ')
    await new Promise(resolve => other.close(resolve))
    const bridge = await spawnBridge(folder.path, { ...nowhere, PORT })
    expect(bridge.origin).toBe(`http://127.0.0.1:${PORT}`)
    expect(await bridge.kill('SIGTERM')).toBe(0)
  })

  it('[SV4] killed three times under load, it keeps all it acknowledged, once each, and delivers it', async () => {
    using folder = useFolder()
    await using segment = await startSegment()
    const settings = toSegment(segment.url)
    const events = Array.from({ length: 2_000 }, () => messageStatus())
    const batches = Array.from({ length: 400 }, (_, index) => events.slice(index * 5, index * 5 + 5))
    let bridge: SpawnedBridge | undefined = await spawnBridge(folder.path, settings)
    let acknowledged = 0

    /** As Twilio: until there is a 2xx, and never again after it. */
    async function sendOn(): Promise<void> {
      for (let batch = batches.shift(); batch; batch = batches.shift()) {
        for (let isKept = false; !isKept; ) {
          const url = bridge?.webhook
          const response = url && (await sendEvents(url, batch).catch(() => undefined))
          isKept = response ? response.ok : false
          if (!isKept) await sleep(10)
        }
        acknowledged += batch.length
      }
    }
    async function killAt(count: number): Promise<void> {
      await until('enough acknowledged events', () => acknowledged >= count)
      const killed = bridge
      expect(await killed?.kill('SIGKILL')).toBe('SIGKILL')
      bridge = undefined
      bridge = await spawnBridge(folder.path, settings)
    }
    const sending = Promise.all(Array.from({ length: 8 }, sendOn))
    for (const count of [300, 900, 1_500]) await killAt(count)
    await sending

    const stats = await bridge.until(({ pending, received }) => pending === 0 && received === events.length)
    expect(sumOfStates(stats)).toBe(events.length)
    expect(stats).toMatchObject({ accepted: events.length, rejected: 0, refused: 0, skipped: 0 })
    const ids = events.map(({ id }) => id).sort()
    expect((await everyEvent(bridge)).map(({ id }) => id).sort()).toEqual(ids)
    expect([...segment.ids].sort()).toEqual(ids)
    expect(await bridge.kill('SIGTERM')).toBe(0)
  })
})
