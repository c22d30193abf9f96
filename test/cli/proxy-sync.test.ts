/** `proxy sync` into real bridges: beside callbacks and a replay, and through a kill. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { connectProxy } from '../../src/cli/proxy/api.ts'
import { createProxyCommand } from '../../src/cli/proxy.ts'
import { spawnBridge, startBridge } from '../support/bridge.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { until } from '../support/patience.ts'
import { postCallback, proxyCallback } from '../support/proxy-callbacks.ts'
import { startSegment } from '../support/segment.ts'
import { accountSid, authToken } from '../support/twilio.ts'
import { startTwilioProxyApi, type TwilioProxyApi } from '../support/twilio-proxy-api.ts'

function sync(api: TwilioProxyApi, dataDir: string, args: readonly string[] = []) {
  const environment = { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken, DATA_DIR: dataDir }
  return runCommand(
    terminal =>
      createProxyCommand(terminal, credentials => connectProxy(credentials, api.httpClient), api.send),
    ['sync', ...args],
    { environment },
  )
}

function addPairs(api: TwilioProxyApi, count: number) {
  const { sid } = api.addService()
  return Array.from({ length: count }, (_, at) => {
    const session = api.addSession(sid)
    const ann = api.addParticipant(session, `+1555123${String(at * 2).padStart(4, '0')}`)
    const bob = api.addParticipant(session, `+1555123${String(at * 2 + 1).padStart(4, '0')}`)
    return { session, ann, bob, interaction: api.interact(session, ann, bob) }
  })
}

const idsOf = (events: readonly { messageId: string }[]) => events.map(({ messageId }) => messageId)

it('[PX58] callbacks, a sync and a replay of the same facts at once: each is sent exactly once a participant', async () => {
  await using api = await startTwilioProxyApi()
  const segment = await startSegment()
  const environment = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, TWILIO_ACCOUNT_SID: accountSid }
  await using bridge = await startBridge(environment, api.send)
  const pairs = addPairs(api, 6)
  const call = ({ interaction }: (typeof pairs)[number]) =>
    postCallback(`${bridge.origin}/webhooks/proxy`, proxyCallback({ ...interaction }))
  await Promise.all([...pairs.map(call), sync(api, bridge.dataDir), ...pairs.toReversed().map(call)])
  const exported = await bridge.api<string>('/api/export')
  await bridge.api('/api/import', { method: 'POST', body: exported })
  const { code, said } = await sync(api, bridge.dataDir)
  expect([code, said]).toEqual([0, expect.stringContaining('0 of them looked into')])
  await Promise.all(pairs.map(call))
  await bridge.until(({ pending, unsorted }) => pending + unsorted === 0)
  // Opened, begun, and an interaction, for two each.
  expect(segment.events).toHaveLength(6 * 6)
  expect(new Set(idsOf(segment.events)).size).toBe(6 * 6)
  const { received, accepted } = await bridge.stats()
  expect({ received, accepted }).toEqual({ received: 36, accepted: 36 })
  await segment.close()
})

it('[PX50] without a running bridge it goes into the folder; without credentials it says what is missing', async () => {
  await using api = await startTwilioProxyApi()
  const dataDir = mkdtempSync(join(tmpdir(), 'proxy-sync-'))
  const bridge = await startBridge({ DATA_DIR: dataDir })
  await bridge.stop()
  addPairs(api, 2)
  const { code, out } = await sync(api, dataDir, ['--json'])
  expect(code).toBe(0)
  expect(JSON.parse(out[0] ?? '')).toEqual({
    ...{ services: 1, sessions: 2, opened: 2, events: 12, gone: 0, unread: 0 },
  })
  const { code: without, said } = await runCommand(
    terminal => createProxyCommand(terminal, connectProxy, api.send),
    ['sync'],
    { environment: {} },
  )
  expect([without, said]).toEqual([2, expect.stringContaining('TWILIO_ACCOUNT_SID')])
  rmSync(dataDir, { recursive: true, force: true })
})

it('[PX53] serve looks by itself; a kill -9 in the middle costs nothing and sends nothing twice', {
  tags: ['long'],
}, async () => {
  let release: (() => void) | undefined
  let isReached = false
  await using api = await startTwilioProxyApi({
    async before(requests) {
      // The first 200 events are kept by then, and not noted yet.
      if (requests !== 76) return
      isReached = true
      await new Promise<void>(resolve => (release = resolve))
    },
  })
  const segment = await startSegment()
  const dataDir = mkdtempSync(join(tmpdir(), 'proxy-kill-'))
  const preload = join(dataDir, 'to-the-stand-in.mjs')
  writeFileSync(
    preload,
    `const { fetch } = globalThis
globalThis.fetch = (url, init) => fetch(String(url).replace('https://proxy.twilio.com', '${api.origin}'), init)`,
  )
  addPairs(api, 40)
  const environment = {
    ...{ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, TWILIO_ACCOUNT_SID: accountSid },
    ...{ PROXY_SYNC_MINUTES: '1', NODE_OPTIONS: `--import=${preload}` },
  }
  const first = await spawnBridge(dataDir, environment)
  await until('the middle of the look', () => isReached)
  expect((await first.stats()).received).toBeGreaterThan(0)
  await first.kill('SIGKILL')
  release?.()
  const second = await spawnBridge(dataDir, environment)
  await segment.waitFor(240)
  await second.until(({ pending, unsorted, accepted }) => pending + unsorted === 0 && accepted === 240)
  expect(new Set(idsOf(segment.events)).size).toBe(240)
  await second.kill('SIGTERM')
  await segment.close()
  rmSync(dataDir, { recursive: true, force: true })
})
