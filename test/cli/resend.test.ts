/** `resend`: how many, then asked, then sent again; on a running bridge and on its folder alike. */
// @module-tag long
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createResendCommand } from '../../src/cli/resend.ts'
import { newDataDir, startBridge } from '../support/bridge.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { startSegment } from '../support/segment.ts'
import { authToken, messageStatus, sendEvents } from '../support/twilio.ts'
import { startWorkers } from '../support/workers.ts'

const KEY = { SEGMENT_WRITE_KEY: 'key' }

describe.each(['running', 'at rest'] as const)('a bridge %s', condition => {
  const dataDir = newDataDir()
  let bridge: Awaited<ReturnType<typeof startBridge>> | undefined
  const run = (args: readonly string[], answer?: string) =>
    runCommand(terminal => createResendCommand(terminal), args, {
      environment: { DATA_DIR: dataDir, TWILIO_AUTH_TOKEN: authToken },
      ...(answer !== undefined && { answer }),
    })

  beforeAll(async () => {
    await using segment = await startSegment()
    const first = await startBridge({ ...KEY, SEGMENT_HOST: segment.url, DATA_DIR: dataDir })
    await sendEvents(first.webhook, [messageStatus(), messageStatus(), messageStatus({ type: 'sent' })])
    await first.until(({ accepted }) => accepted === 3)
    await first.stop()
    const deaf = { ...KEY, SEGMENT_HOST: 'http://127.0.0.1:9', DATA_DIR: dataDir }
    if (condition === 'running') bridge = await startBridge(deaf)
  })
  afterAll(async () => {
    await bridge?.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('[OP103] --dry-run counts and changes nothing; without --yes it asks; a script has to say --yes', async () => {
    const found = { matched: 3, pruned: 0, done: 0 }
    const dry = await run(['--since', '6h', '--dry-run', '--json'])
    expect(dry).toMatchObject({ code: 0, said: 'Accepted in this time: 3 events.' })
    expect(dry.json()).toEqual(found)
    expect(await run(['--since', '6h'], 'n')).toMatchObject({
      code: 1,
      said: expect.stringContaining('Send 3 events to Segment again? [y/N]'),
    })
    expect(await run(['--since', '6h'])).toMatchObject({
      code: 2,
      said: expect.stringContaining('pass --yes'),
    })
    expect((await run(['--since', '6h', '--dry-run', '--json'])).json()).toEqual(found)
  })

  it('[OP103] by type and time; what was sent again once is not matched twice', async () => {
    expect(await run(['--since', '6h', '--until', '1h', '--yes'])).toMatchObject({
      code: 0,
      said: 'Accepted in this time: 0 events.',
    })
    const sent = await run(['--since', '6h', '--type', messageStatus({ type: 'sent' }).type], 'y')
    expect(sent).toMatchObject({ code: 0, said: expect.stringContaining('Pending again: 1 of 1 events.') })
    const all = await run(['--since', '6h', '--yes', '--json'])
    expect(all.json()).toEqual({ matched: 2, pruned: 0, done: 2 })
    expect((await run(['--since', '6h', '--yes', '--json'])).json()).toMatchObject({ matched: 0 })
  })

  it('[OP103] --since is required and has to be a time', async () => {
    expect((await run([])).code).toBe(2)
    expect((await run(['--since', 'yesterday'])).code).toBe(2)
  })
})

describe('a bridge elsewhere', () => {
  it('[OP102] --to sends again what a bridge with two shards has accepted', async () => {
    await using segment = await startSegment()
    const bridge = await startWorkers({ ...KEY, SEGMENT_HOST: segment.url, OUTBOX_SHARDS: '2' })
    try {
      await sendEvents(
        bridge.webhook,
        Array.from({ length: 8 }, () => messageStatus()),
      )
      await bridge.until(({ accepted }) => accepted === 8)
      const environment = { TWILIO_AUTH_TOKEN: authToken, ADMIN_TOKEN: bridge.adminToken }
      const { code, said } = await runCommand(
        terminal => createResendCommand(terminal),
        ['--since', '1h', '--yes', '--to', bridge.origin],
        { environment },
      )
      expect({ code, said }).toEqual({
        code: 0,
        said: 'Accepted in this time: 8 events.\nPending again: 8 of 8 events.',
      })
      await segment.waitFor(({ duplicates }) => duplicates === 8)
    } finally {
      await bridge.stop()
    }
  })
})

describe('the help', () => {
  it('[OP105] has examples and the exit codes', async () => {
    const { out } = await runCommand(terminal => createResendCommand(terminal), ['--help'])
    expect(out.join('\n')).toMatch(
      /Exit codes: [\s\S]*Examples:\n {2}npx twilio-segment-bridge resend --since 6h/,
    )
  })
})
