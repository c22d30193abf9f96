/** `status`, `deliver-now`, and what `check` learns from the running bridge. */
// @module-tag long
import { rmSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Status } from '../../src/admin/status-schema.ts'
import type { Finding } from '../../src/cli/check/result.ts'
import { createCheckCommand } from '../../src/cli/check.ts'
import { openOutbox } from '../../src/cli/outbox-access.ts'
import { createDeliverNowCommand, createStatusCommand } from '../../src/cli/status.ts'
import { newDataDir, startBridge, toSettings } from '../support/bridge.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { startSegment } from '../support/segment.ts'
import { authToken, messageStatus, sendEvents } from '../support/twilio.ts'
import { startWorkers } from '../support/workers.ts'

const KEY = { SEGMENT_WRITE_KEY: 'write-key' }

async function startBoth(more: Record<string, string> = {}) {
  const segment = await startSegment()
  const bridge = await startBridge({ ...KEY, SEGMENT_HOST: segment.url, ...more })
  onTestFinished(async () => {
    await bridge[Symbol.asyncDispose]()
    await segment.close()
  })
  const environment = {
    ...KEY,
    TWILIO_AUTH_TOKEN: authToken,
    DATA_DIR: bridge.dataDir,
    SEGMENT_HOST: segment.url,
  }
  const status = (...args: string[]) => runCommand(createStatusCommand, args, { environment })
  const check = (args: readonly string[] = [], change: Record<string, string> = {}) =>
    runCommand(terminal => createCheckCommand(terminal), ['--offline', ...args], {
      environment: { ...environment, ...change },
    })
  return { segment, bridge, environment, status, check }
}

const wrongIn = (findings: readonly Finding[]) => findings.filter(({ state }) => state === 'wrong')

describe('status', () => {
  it('[OP100] one screen while all is well, exit 0; with --json the same data', async () => {
    const { bridge, status } = await startBoth()
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ accepted }) => accepted === 1)
    const { code, out, said } = await status()
    expect(code).toBe(0)
    expect(said).toBe(`The bridge at ${bridge.origin}`)
    expect(out.filter(line => !line.startsWith(' ')).map(line => line.slice(0, 22).trim())).toEqual([
      'ok    outbox',
      'ok    index',
      'ok    segment',
      'ok    waiting',
      'ok    dead letters',
      'warn  write key',
      'ok    last notice',
    ])
    expect(out.join('\n')).toMatch(
      / → Look at Segment → .*Debugger\. If the events are there: npx .* --confirm-arrival/,
    )
    expect((await status('--strict')).code, 'the write key is unconfirmed').toBe(1)
    const json = await status('--json')
    expect(json).toMatchObject({ code: 0, said: '' })
    expect(json.json<Status>().destinations).toMatchObject([{ state: 'accepting', accepted: 1 }])
  })

  it('[OP100] a failing destination is red, with reason, next attempt, what waits and the fix; exit 1', async () => {
    const { bridge, segment, status } = await startBoth()
    segment.fail({ kind: 'status', status: 401 })
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ delivery }) => delivery.wait === 'paused')
    const { code, out } = await status()
    expect(code).toBe(1)
    const text = out.join('\n')
    expect(text).toMatch(/^WRONG segment +paused: .* Next attempt (now|in .* UTC\))\.\n +→ .*deliver-now$/m)
    expect(text).toMatch(/^ok +waiting +1 event, the oldest for \d+ s \(since .* UTC\)$/m)
    expect((await status('--json')).code).toBe(1)
  })

  it('[OP101] without a running bridge it says so and what to do, exit 1, and leaves the folder alone', async () => {
    const dataDir = newDataDir()
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
    const environment = { DATA_DIR: dataDir, TWILIO_AUTH_TOKEN: authToken }
    const none = await runCommand(createStatusCommand, [], { environment })
    expect(none).toMatchObject({ code: 1, out: [] })
    expect(none.said).toMatch(/^No bridge runs on .* serve.*--to https:/)
    // A command that works on the folder is no bridge either.
    await (await startBridge({ DATA_DIR: dataDir })).stop()
    const access = await openOutbox(toSettings(environment))
    const busy = await runCommand(createStatusCommand, [], { environment })
    access.close()
    expect(busy).toMatchObject({ code: 1, out: [] })
    expect(busy.said).toMatch(/^Process \d+ uses .*does not serve it/)
  })

  it('[OP102] --to asks a bridge elsewhere with ADMIN_TOKEN; a wrong token and silence are one sentence, exit 1', async () => {
    const bridge = await startWorkers({ SEGMENT_WRITE_KEY: 'key' })
    onTestFinished(() => bridge.stop())
    const run = (ADMIN_TOKEN: string, to = bridge.origin) =>
      runCommand(createStatusCommand, ['--to', to], {
        environment: { TWILIO_AUTH_TOKEN: authToken, ADMIN_TOKEN },
      })
    expect(await run(bridge.adminToken)).toMatchObject({ code: 0, said: `The bridge at ${bridge.origin}` })
    expect(await run(bridge.adminToken, bridge.webhook)).toMatchObject({ code: 0 })
    expect(await run('another-token')).toMatchObject({
      code: 1,
      out: [],
      said: expect.stringContaining('ADMIN_TOKEN'),
    })
    expect(await run(bridge.adminToken, 'http://127.0.0.1:9')).toMatchObject({
      code: 1,
      said: expect.stringContaining('cannot be reached'),
    })
    expect(await run(bridge.adminToken, 'nonsense')).toMatchObject({ code: 2 })
  })

  it('[OP104] deliver-now ends the wait: what waits is sent although the next attempt was minutes away', async () => {
    const { bridge, segment, environment, status } = await startBoth()
    segment.fail({ kind: 'throttle', retryAfter: 3_000 })
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ delivery }) => delivery.failures > 0)
    expect((await status()).out.join('\n')).toMatch(/Next attempt in (4\d|50) min/)
    segment.heal()
    const run = await runCommand(createDeliverNowCommand, [], { environment })
    expect(run).toMatchObject({ code: 0, said: 'The next delivery attempt starts now.' })
    await bridge.until(({ accepted }) => accepted === 1)
  })

  it('[OP104] deliver-now without a running bridge says so, exit 1', async () => {
    const environment = { DATA_DIR: '/nonexistent', TWILIO_AUTH_TOKEN: authToken }
    const run = await runCommand(createDeliverNowCommand, [], { environment })
    expect(run).toMatchObject({ code: 1, said: expect.stringContaining('No bridge runs on') })
  })

  it('[OP105] the help of each command has an example and the exit codes', async () => {
    const { out } = await runCommand(createStatusCommand, ['--help'])
    expect(out.join('\n')).toMatch(/Exit codes: .*[\s\S]*Examples:\n {2}npx twilio-segment-bridge status/)
  })
})

describe('check', () => {
  it('[CK100] while delivery is paused it is red with the fix, exit 1, and never "Nothing is wrong"', async () => {
    const { bridge, segment, check } = await startBoth()
    segment.fail({ kind: 'status', status: 401 })
    await sendEvents(bridge.webhook, [messageStatus()])
    await bridge.until(({ delivery }) => delivery.wait === 'paused')
    const { code, said, out } = await check()
    expect(code).toBe(1)
    expect(said).toBe('1 wrong; 1 warning.')
    expect(out.join('\n')).toMatch(/^WRONG segment +paused:/m)
    const { ok, findings } = (await check(['--json'])).json<{ ok: boolean; findings: Finding[] }>()
    expect(ok).toBe(false)
    expect(wrongIn(findings)).toMatchObject([
      { name: 'segment', remedy: expect.stringContaining('SEGMENT_WRITE_KEY') },
    ])
  })

  it('[CK101] dead letters and an unconfirmed write key are warnings: exit 0, with --strict 1; --confirm-arrival ends one', async () => {
    const { bridge, check } = await startBoth()
    await sendEvents(bridge.webhook, [messageStatus({ data: { to: 7 } })])
    await bridge.until(({ rejected }) => rejected === 1)
    expect(await check()).toMatchObject({ code: 0, said: 'Nothing is wrong; 2 warnings.' })
    expect(await check(['--strict'])).toMatchObject({ code: 1, said: 'Nothing is wrong; 2 warnings.' })
    const { findings } = (await check(['--json'])).json<{ findings: Finding[] }>()
    const warnings = findings.filter(({ state }) => state === 'warn')
    expect(warnings).toMatchObject([{ name: 'dead letters' }, { name: 'write key' }])
    for (const { remedy } of warnings) expect(remedy).toContain('npx twilio-segment-bridge')
    const confirmed = await check(['--confirm-arrival'])
    expect(confirmed).toMatchObject({
      code: 0,
      said: expect.stringMatching(/Recorded: .*\nNothing is wrong; 1 warning\./),
    })
    expect((await bridge.api<Status>('/api/status')).destinations[0]?.arrival).toBe('confirmed')
  })

  it('[CK102] what it cannot see is red: the bridge does not accept the admin token', async () => {
    const { check } = await startBoth()
    const { code, out } = await check([], { ADMIN_TOKEN: 'another-token' })
    expect(code).toBe(1)
    expect(out.join('\n')).toMatch(/^WRONG bridge +does not accept the admin token.*\n +→ Set ADMIN_TOKEN/m)
  })

  it('[CK103] --confirm-arrival without a bridge, or in a dry run, records nothing and says why', async () => {
    const dataDir = newDataDir()
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
    const confirm = () =>
      runCommand(terminal => createCheckCommand(terminal), ['--offline', '--confirm-arrival'], {
        environment: { DATA_DIR: dataDir, TWILIO_AUTH_TOKEN: authToken },
      })
    expect(await confirm()).toMatchObject({ code: 1, said: expect.stringContaining('No bridge runs on') })
    const bridge = await startBridge({ DATA_DIR: dataDir })
    onTestFinished(() => bridge.stop())
    expect(await confirm()).toMatchObject({
      code: 1,
      said: expect.stringContaining('SEGMENT_WRITE_KEY is not set'),
    })
  })
})
