/** `export`, and `export | replay`: an outbox moves elsewhere with every event in the state it was in. */
// @module-tag long
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { states } from '../../src/reasons.ts'
import { startBridge } from '../support/bridge.ts'
import { openWorkplace, type Workplace } from '../support/replay.ts'
import { startSegment } from '../support/segment.ts'
import { inboundMessage, messageStatus, sendBody, sendEvents, sinkTest } from '../support/twilio.ts'

type Line = {
  readonly state: string
  readonly reason: string | null
  readonly event?: { readonly id: string }
  readonly raw?: string
}

const lines = async (place: Workplace, ...args: string[]): Promise<Line[]> =>
  (await place.export(args)).out.map(line => JSON.parse(line))
/** What only tells two of one outbox apart. */
const withoutPlace = (line: Line) => ({ ...line, key: undefined, seen: undefined })
const byState = (stats: object) =>
  Object.fromEntries(
    Object.entries(stats).filter(([name]) => name === 'received' || states.some(state => state === name)),
  )

/** An outbox with events in all states, and what Segment is told to refuse. */
async function fill(
  place: Workplace,
  more: (webhook: string) => Promise<unknown> = async () => undefined,
): Promise<void> {
  await using segment = await startSegment()
  const environment = { DATA_DIR: place.dataDir, SEGMENT_WRITE_KEY: 'key' }
  {
    await using bridge = await startBridge({ ...environment, SEGMENT_HOST: segment.url })
    await sendEvents(bridge.webhook, [
      messageStatus(),
      inboundMessage({ data: { body: 'Grüße 🎉', long: 'y' } }),
    ])
    await sendEvents(bridge.webhook, [messageStatus({ data: { text: 'x'.repeat(33_000) } })])
    await bridge.until(({ accepted, refused }) => accepted === 2 && refused === 1)
  }
  await using bridge = await startBridge({ ...environment, SEGMENT_HOST: 'http://127.0.0.1:9' })
  await sendBody(bridge.webhook, 'no JSON at all\n')
  await sendBody(bridge.webhook, new Uint8Array([0xff, 0x00, 0xfe]))
  await sendEvents(bridge.webhook, [
    messageStatus({ data: { to: 5 } }),
    sinkTest(),
    sinkTest(),
    { ...messageStatus(), type: 'com.twilio.other' },
  ])
  await sendBody(
    bridge.webhook,
    `[${JSON.stringify(messageStatus(), undefined, 1)}, {"specversion":"1.0","id":"EZnumber","source":"s","type":"com.twilio.other","data":{"n":12345678901234567890.10}}]`,
  )
  await more(bridge.webhook)
}

describe('[EX1] export | replay moves an outbox, nothing lost', () => {
  it('every event in its state, with its reason and its bytes; what was accepted is not sent again', async () => {
    using old = openWorkplace()
    using moved = openWorkplace()
    await fill(old)
    const file = join(old.folder, 'outbox.ndjson.zst')
    expect(await old.export(['--zstd', '-o', file])).toMatchObject({
      code: 0,
      said: expect.stringContaining('11 events'),
    })
    expect(await moved.replayed([file])).toMatchObject({ code: 0, read: 11, stored: 11 })
    expect(byState(await moved.stats())).toEqual(byState(await old.stats()))
    expect(byState(await moved.stats())).toMatchObject({
      received: 11,
      pending: 1,
      accepted: 2,
      refused: 1,
      rejected: 3,
      skipped: 4,
    })
    expect((await lines(moved)).map(withoutPlace)).toEqual((await lines(old)).map(withoutPlace))

    // Once more changes nothing, and moving on changes nothing either.
    expect(await moved.replayed([file])).toMatchObject({ stored: 0, duplicates: 11 })
    expect(byState(await moved.stats())).toEqual(byState(await old.stats()))
  })

  it('what was accepted there is known here: Twilio may send it again', async () => {
    using old = openWorkplace()
    using moved = openWorkplace()
    await fill(old)
    const [accepted] = await lines(old, '--state', 'accepted')
    const file = join(old.folder, 'all')
    await old.export(['-o', file])
    await moved.replayed([file])
    await using bridge = await startBridge({
      DATA_DIR: moved.dataDir,
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: 'http://127.0.0.1:9',
    })
    await sendEvents(bridge.webhook, [accepted?.event])
    expect(await bridge.stats()).toMatchObject({ received: 11, duplicates: 1, accepted: 2 })
  })

  it('an id is known there even when the bytes of its event are pruned', async () => {
    using old = openWorkplace()
    using moved = openWorkplace()
    await using segment = await startSegment()
    const event = messageStatus()
    const environment = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, RETENTION_DAYS: '0' }
    {
      await using bridge = await startBridge({ ...environment, DATA_DIR: old.dataDir })
      await sendEvents(bridge.webhook, [event])
      await bridge.until(({ accepted }) => accepted === 1)
      await expect.poll(async () => (await lines(old))[0]?.event).toBeUndefined()
    }
    const file = join(old.folder, 'all')
    await old.export(['-o', file])
    expect(await moved.replayed([file])).toMatchObject({ stored: 1 })
    await using bridge = await startBridge({ ...environment, DATA_DIR: moved.dataDir })
    await sendEvents(bridge.webhook, [event])
    expect(await bridge.stats()).toMatchObject({ received: 1, duplicates: 1 })
  })

  it('events without an identity stay as many as they were, to the letter, however often they move', async () => {
    using old = openWorkplace()
    using moved = openWorkplace()
    const environment = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: 'http://127.0.0.1:9' }
    {
      await using bridge = await startBridge({ ...environment, DATA_DIR: old.dataDir })
      await sendBody(bridge.webhook, '[1,1,{},{},null,{"n":12345678901234567890},{"n":1.0}]')
      await sendBody(bridge.webhook, 'no JSON')
    }
    const file = join(old.folder, 'all')
    await old.export(['-o', file])
    expect(await moved.replayed([file])).toMatchObject({ read: 8, stored: 8 })
    expect(await moved.replayed([file])).toMatchObject({ stored: 0, duplicates: 8 })
    const further = join(moved.folder, 'all')
    await moved.export(['-o', further])
    expect(await moved.replayed([further])).toMatchObject({ stored: 0, duplicates: 8 })
    const letters = (path: string) => readFileSync(path, 'utf8').match(/"event":.*|"raw":"[^"]*"/g)
    expect(letters(further)).toEqual(letters(file))
    expect(letters(further)?.join()).toContain('12345678901234567890}},"event":{"n":1.0}}')
    await using bridge = await startBridge({ ...environment, ADMIN_TOKEN: 'admin-token' })
    const asAdmin = ['--to', bridge.origin, '--as-admin', further]
    const admin = { environment: { ADMIN_TOKEN: 'admin-token' } }
    expect(await moved.replayed(asAdmin, admin)).toMatchObject({ stored: 8 })
    expect(await moved.replayed(asAdmin, admin)).toMatchObject({ stored: 0, duplicates: 8 })
  })

  it('an event nested 8,000 levels deep stops neither its neighbours nor the move', async () => {
    using old = openWorkplace()
    using moved = openWorkplace()
    using fresh = openWorkplace()
    const environment = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: 'http://127.0.0.1:9' }
    const deep = `${'['.repeat(8_000)}${']'.repeat(8_000)}`
    const before = JSON.stringify([messageStatus({ data: { deep: 'DEEP' } }), messageStatus()])
    {
      await using bridge = await startBridge({ ...environment, DATA_DIR: old.dataDir })
      await sendBody(bridge.webhook, before.replace('"DEEP"', deep))
      await sendBody(bridge.webhook, `[{"deep":${deep}}]`)
      await expect.poll(async () => (await bridge.stats()).received).toBe(3)
    }
    const file = join(old.folder, 'all')
    await old.export(['-o', file])
    expect(readFileSync(file, 'utf8')).toContain(deep)
    expect(await moved.replayed([file])).toMatchObject({ code: 0, read: 3, stored: 3 })
    expect(byState(await moved.stats())).toEqual(byState(await old.stats()))
    expect(await fresh.replayed(['--again', file])).toMatchObject({ code: 0, read: 3, stored: 3 })
    const dry = await fresh.replay(['--dry-run', '--again', '--where', 'data.deep!=1', file])
    expect([dry.code, dry.out.length]).toEqual([0, 1])
    await using bridge = await startBridge({ ...environment, ADMIN_TOKEN: 'admin-token' })
    const admin = { environment: { ADMIN_TOKEN: 'admin-token' } }
    expect(await old.replayed(['--to', bridge.origin, '--as-admin', file], admin)).toMatchObject({
      stored: 3,
    })
    const line = readFileSync(file, 'utf8')
    expect(await bridge.api('/api/import', { method: 'POST', body: line })).toMatchObject({ duplicates: 3 })
  })

  it('takes a line with a version that no export writes for an event like any other, a bad one', async () => {
    await using bridge = await startBridge()
    const line = { bridge: 1, state: 'accepted', reason: null, receivedAt: '2026-01-01T00:00:00Z', type: 'x' }
    const body = JSON.stringify({ ...line, version: 1.5 })
    expect(await bridge.api('/api/import', { method: 'POST', body })).toMatchObject({
      stored: 1,
      rejected: 1,
    })
    await sendEvents(bridge.webhook, [messageStatus()])
    expect(await bridge.stats()).toMatchObject({ received: 2, unsorted: 0, rejected: 1 })
  })

  it('through a webhook only what is to be sent goes; with --again all that can be', async () => {
    using old = openWorkplace()
    using fresh = openWorkplace()
    await fill(old)
    const file = join(old.folder, 'all')
    await old.export(['-o', file])
    await using bridge = await startBridge({ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: 'http://127.0.0.1:9' })
    expect(await old.replayed(['--to', bridge.origin, file])).toMatchObject({ sent: 5, leftOut: 6 })
    expect(byState(await bridge.stats())).toMatchObject({ received: 5, rejected: 3, skipped: 0 })
    expect(await fresh.replayed(['--again', file])).toMatchObject({ read: 11 })
    expect(await fresh.stats()).toMatchObject({ accepted: 0, pending: 4 })
  })
})

describe('[EX2] what is exported', () => {
  it('is the same from a running bridge and from its folder, to the letter, oldest first', async () => {
    using place = openWorkplace()
    let running: readonly string[] = []
    await fill(place, async () => {
      running = (await place.export()).out
    })
    const { out } = await place.export()
    const [head, letters] = [out.map(line => JSON.parse(line)), out.join('\n')]
    expect(running.map(line => JSON.parse(line))).toEqual(head)
    expect(letters).toContain('"n":12345678901234567890.10')
    expect(head.map(({ receivedAt }) => receivedAt)).toEqual(head.map(({ receivedAt }) => receivedAt).sort())
    expect(head.filter(({ raw }) => raw !== undefined)).toMatchObject([
      { raw: 'no JSON at all\n', encoding: 'text', state: 'rejected', reason: 'body_not_json' },
      { raw: Buffer.from([0xff, 0x00, 0xfe]).toString('base64'), encoding: 'base64' },
    ])
  })

  it('can be chosen by state, reason, type and time, and packed', async () => {
    using place = openWorkplace()
    await fill(place)
    const count = async (...args: string[]) => (await lines(place, ...args)).length
    expect(await count('--state', 'rejected,refused')).toBe(4)
    expect(await count('--reason', 'sink_test')).toBe(2)
    expect(await count('--type', 'com.twilio.other')).toBe(2)
    expect(await count('--since', '1h')).toBe(11)
    expect(await count('--until', '1h')).toBe(0)
    const file = (name: string) => join(place.folder, name)
    await place.export(['-o', file('plain')])
    await place.export(['--gzip', '-o', file('gz')])
    await place.export(['--zstd', '-o', file('zst')])
    const plain = readFileSync(file('plain'), 'utf8')
    expect(gunzipSync(readFileSync(file('gz'))).toString()).toBe(plain)
    expect(zstdDecompressSync(readFileSync(file('zst'))).toString()).toBe(plain)
    expect(statSync(file('plain')).mode & 0o777).toBe(0o600)
  })

  it('a wrong use, a folder without an outbox and a file that cannot be written are told', async () => {
    using place = openWorkplace()
    expect(await place.export()).toMatchObject({
      code: 1,
      said: expect.stringContaining('There is no outbox in'),
    })
    expect(await place.export(['--gzip', '--zstd'])).toMatchObject({ code: 2 })
    expect(await place.export(['--state', 'lost'])).toMatchObject({
      code: 2,
      said: expect.stringContaining('Known are pending'),
    })
    await fill(place)
    expect(await place.export(['-o', join(place.folder, 'no/such/folder')])).toMatchObject({
      code: 1,
      said: expect.stringContaining('cannot be written'),
    })
  })

  it('[EX3] "export --help" teaches with examples', async () => {
    using place = openWorkplace()
    const help = (await place.export(['--help'])).out.join('')
    for (const part of ['export --zstd -o', 'replay --again lost.ndjson', 'Exit codes: 0', '"bridge":1'])
      expect(help).toContain(part)
  })
})
