/** `replay` into an outbox, by itself and through a running bridge or its webhook: what is stored, what is chosen, where it goes on. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { startBridge } from '../support/bridge.ts'
import { until } from '../support/patience.ts'
import { openWorkplace, readLines, toNdjson } from '../support/replay.ts'
import { startSegment } from '../support/segment.ts'
import { inboundMessage, messageStatus, sendEvents, sinkTest } from '../support/twilio.ts'

const hour = 3_600_000
const hoursAgo = (n: number) => new Date(Date.now() - n * hour).toISOString()
const many = (n: number) => Array.from({ length: n }, () => messageStatus())

describe('into the outbox of this machine', () => {
  it('[RP4] a file replayed twice stores nothing twice, events without an identity included', async () => {
    using place = openWorkplace()
    const path = place.file(
      'a.ndjson',
      toNdjson([...many(5), sinkTest(), { ...messageStatus(), type: 'com.twilio.unknown' }]),
    )
    expect(await place.replayed([path])).toMatchObject({ code: 0, stored: 7, duplicates: 0 })
    expect(await place.replayed([path])).toMatchObject({ code: 0, stored: 0, duplicates: 7 })
    expect(await place.stats()).toMatchObject({ received: 7, pending: 5, skipped: 2, duplicates: 7 })
  })

  it('[RP4] each event keeps its own time, and the next "serve" delivers it', async () => {
    using place = openWorkplace()
    await using segment = await startSegment()
    const events = [
      messageStatus({ time: '2026-01-02T03:04:05.678901234Z' }),
      inboundMessage({ time: hoursAgo(3) }),
    ]
    await place.replayed([place.file('a.json', JSON.stringify(events))])
    await using _bridge = await startBridge({
      DATA_DIR: place.dataDir,
      SEGMENT_HOST: segment.url,
      SEGMENT_WRITE_KEY: 'key',
    })
    await segment.waitFor(2)
    const sent = segment.events.map(({ messageId, originalTimestamp }) => [messageId, originalTimestamp])
    expect(sent).toEqual(events.map(({ id, time }) => [id, time]))
  })

  it('[RP5] --type, --since, --until and --where choose, --limit ends it and the same command goes on behind it', async () => {
    using place = openWorkplace()
    const events = [
      messageStatus({ type: 'sent', time: hoursAgo(30) }),
      messageStatus({ type: 'failed', time: hoursAgo(3), data: { errorCode: 30_005 } }),
      messageStatus({ type: 'delivered', time: hoursAgo(1), to: '+15550100142' }),
      {
        ...inboundMessage({ time: hoursAgo(2) }),
        data: JSON.stringify({ messageSid: 'SM1', from: '+15550100142', to: '+15550100100' }),
      },
    ]
    const path = place.file('a.ndjson', toNdjson(events))
    const chosen = async (...args: string[]) => {
      const { out } = await place.replay(['--dry-run', ...args, path])
      return out.map(line => events.findIndex(({ id }) => id === JSON.parse(line).messageId))
    }
    expect(await chosen('--type', 'com.twilio.messaging.message.*')).toEqual([0, 1, 2])
    expect(await chosen('--type', 'com.twilio.messaging.message.sent', '--type', '*received')).toEqual([0, 3])
    expect(await chosen('--since', '4h')).toEqual([1, 2, 3])
    expect(await chosen('--since', '4h', '--until', hoursAgo(1.5))).toEqual([1, 3])
    expect(await chosen('--where', 'data.errorCode')).toEqual([1])
    expect(await chosen('--where', 'data.errorCode>=30005')).toEqual([1])
    expect(await chosen('--where', 'data.from=+15550100142')).toEqual([3])
    expect(await chosen('--where', 'data.to!=+15550100199', '--where', 'type~MESSAGE')).toEqual([2, 3])

    expect((await place.replay(['--dry-run', '--limit', '1', path])).said).not.toContain('goes on behind')
    expect(await place.replayed(['--limit', '3', path])).toMatchObject({ end: 'limit', code: 0, stored: 3 })
    expect(await place.replayed(['--limit', '3', path])).toMatchObject({
      end: 'done',
      stored: 1,
      duplicates: 0,
    })
  })

  it('[RP5] --limit finishes a record that holds several events: none is left out', async () => {
    using place = openWorkplace()
    const record = (n: number) => ({
      Records: many(n).map(event => ({ Data: Buffer.from(JSON.stringify(event)).toString('base64') })),
    })
    const path = place.file('a.ndjson', toNdjson([record(5), record(1)]))
    expect(await place.replayed(['--limit', '2', path])).toMatchObject({ end: 'limit', stored: 5 })
    expect(await place.replayed(['--limit', '2', path])).toMatchObject({ end: 'done', read: 1, stored: 1 })
  })

  it('[RP6] --again sends once more what was accepted; the account stays closed', async () => {
    using place = openWorkplace()
    await using segment = await startSegment()
    const events = many(4)
    const [accepted, fresh] = [events.slice(0, 3), events.slice(3)]
    const path = place.file('a.ndjson', toNdjson([...events, ...events]))
    const environment = { DATA_DIR: place.dataDir, SEGMENT_HOST: segment.url, SEGMENT_WRITE_KEY: 'key' }
    {
      await using bridge = await startBridge(environment)
      await sendEvents(bridge.webhook, accepted)
      await bridge.until(({ accepted }) => accepted === 3)
    }
    expect(await place.replayed([path])).toMatchObject({ stored: fresh.length, duplicates: 7, again: 0 })
    expect(await place.replayed(['--again', path])).toMatchObject({ stored: 0, again: 3, duplicates: 5 })
    expect(await place.stats()).toMatchObject({ received: 4, pending: 4, accepted: 0, duplicates: 15 })
    await using bridge = await startBridge(environment)
    expect(await bridge.until(({ accepted }) => accepted === 4)).toMatchObject({ received: 4, pending: 0 })
    expect(segment.ids.size).toBe(4)
    expect(segment.duplicates).toBe(3)
  })

  it('[RP7] --new-ids makes other events of them, and says so; an id that gets too long is bad', async () => {
    using place = openWorkplace()
    const long = messageStatus({ id: `EZ${'0'.repeat(97)}` })
    const path = place.file('a.ndjson', toNdjson([...many(2), long]))
    await place.replay([path])
    const run = await place.replay(['--new-ids', '-b', path])
    expect(run).toMatchObject({ code: 3, said: expect.stringContaining('counts twice, for good') })
    expect(run.said).toContain('its id is over 100 characters')
    expect(await place.stats()).toMatchObject({ received: 5, duplicates: 0 })
    expect((await place.export()).out.filter(line => JSON.parse(line).event.id.endsWith('-b')).length).toBe(2)
  })

  it('[RP8] events older than 24 hours are warned of once, in the summary', async () => {
    using place = openWorkplace()
    const run = await place.replay([
      '--json',
      place.file('a.ndjson', toNdjson([messageStatus({ time: hoursAgo(25) }), messageStatus()])),
    ])
    expect(run.json()).toMatchObject({ olderThan24h: 1 })
    expect(run.said.match(/older than 24 hours/g)).toHaveLength(1)
  })

  it('[RP9] --dry-run stores nothing at all', async () => {
    using place = openWorkplace()
    const path = place.file('a.ndjson', `${toNdjson(many(2))}{"bad":1}\n`)
    expect((await place.replay(['--dry-run', path])).out.length).toBe(2)
    expect(existsSync(place.dataDir)).toBe(false)
    expect(existsSync(`${path}.rejected.ndjson`)).toBe(false)
  })

  it.each([
    [['--again', '--to', 'https://bridge.example.com', 'x'], '--again is not possible through a webhook'],
    [['--to', 'bridge', 'x'], '"bridge" is no URL'],
    [['--since', 'yesterday', 'x'], 'Give a day'],
    [['--where', '=1', 'x'], 'Give a path and a value'],
    [['--new-ids', 'a b', 'x'], 'Give 1 to 40'],
    [['--json', '--dry-run', 'x'], '--dry-run prints track calls on stdout'],
    [[], 'What should be replayed?'],
  ])('wrong use is told: %j', async (args, sentence) => {
    using place = openWorkplace()
    expect(await place.replay(args)).toMatchObject({ code: 2, said: expect.stringContaining(sentence) })
  })
})

describe('[RP10] after an end that came too early the same command goes on', () => {
  it('Ctrl-C finishes the group, which --rate keeps small, and says how; nothing is read twice', async () => {
    using place = openWorkplace()
    const path = place.file('a.ndjson.gz', gzipSync(`{"bad":1}\n${toNdjson(many(900))}`))
    const stop = new AbortController()
    const isUnderWay = () => existsSync(join(place.dataDir, 'replays.json'))
    void until('the first group', isUnderWay).finally(() => stop.abort())
    const first = await place.replay(['--json', '--rate', '400', path], { stop: stop.signal })
    expect(first).toMatchObject({
      code: 1,
      said: expect.stringContaining('Run the same command again to continue'),
    })
    const { stored } = first.json<{ stored: number }>()
    expect(stored).toBeGreaterThan(0)
    expect(stored % 100).toBe(0)
    expect(stored).toBeLessThan(900)
    expect((await place.stats()).received).toBe(stored)

    const second = await place.replay(['--json', path])
    expect(second.said).toMatch(/goes on at byte \d+/)
    expect(second.json()).toMatchObject({ end: 'done', stored: 900 - stored, duplicates: 0 })
    expect(readLines(`${path}.rejected.ndjson`).length).toBe(1)
    expect(await place.replayed([path])).toMatchObject({ stored: 0, duplicates: 900, bad: 1 })
  })

  it('--from-start, another selection and a changed file begin at the beginning; a finished file of a folder does not', async () => {
    using place = openWorkplace()
    const path = place.file('a.ndjson', toNdjson(many(10)))
    const one = () => place.replayed(['--limit', '4', path])
    expect([(await one()).stored, (await one()).stored]).toEqual([4, 4])
    expect(await place.replayed(['--limit', '4', '--from-start', path])).toMatchObject({
      stored: 0,
      duplicates: 4,
    })
    expect(await place.replayed(['--limit', '4', '--type', '*', path])).toMatchObject({ duplicates: 4 })
    place.file('a.ndjson', toNdjson(many(11)))
    expect(await one()).toMatchObject({ stored: 4 })
    const [b, c] = ['b', 'c'].map(name => place.file(name, toNdjson(many(5))))
    await place.replayed(['--limit', '7', b ?? '', c ?? ''])
    expect(await place.replayed([b ?? '', c ?? ''])).toMatchObject({ read: 3, stored: 3, duplicates: 0 })
    // It came to its end: the file that was finished before is read again too.
    expect(await place.replayed([b ?? '', c ?? ''])).toMatchObject({ read: 10, stored: 0, duplicates: 10 })
  })

  it('killed twice, run again: the union is exact', { tags: 'long' }, async () => {
    using place = openWorkplace()
    const events = many(30_000)
    const path = place.file('a.ndjson.gz', gzipSync(toNdjson(events), { level: 1 }))
    for (const atLeast of [2_000_000, 8_000_000]) {
      const child = place.spawn(['replay', path])
      const grown = () => existsSync(join(place.dataDir, 'outbox.db-wal')) && sizeOf(place.dataDir) > atLeast
      await until('a larger outbox', () => grown() || child.exitCode !== null)
      child.kill('SIGKILL')
      await child.ended
    }
    const last = place.spawn(['replay', '--json', path])
    expect(await last.ended).toBe(0)
    expect(last.said()).toContain('goes on at byte')
    const lines = (await place.export()).out.map(line => JSON.parse(line).event.id)
    expect(lines.length).toBe(events.length)
    expect(new Set(lines)).toEqual(new Set(events.map(({ id }) => id)))
  })

  const sizeOf = (folder: string) =>
    ['outbox.db', 'outbox.db-wal'].reduce(
      (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    )

  it('a second command on the same folder waits its turn, or says who is at work', async () => {
    using place = openWorkplace()
    const child = place.spawn(['replay', '-'])
    child.stdin?.write(toNdjson(many(1)))
    const isAtWork = () => ['replays.json', 'outbox.db'].some(name => existsSync(join(place.dataDir, name)))
    await until('the first file of the outbox', isAtWork)
    expect(await place.deadLetters(['list'])).toMatchObject({
      code: 1,
      said: expect.stringContaining(`Process ${child.pid} is at work on`),
    })
    child.kill('SIGINT')
    expect(await child.ended).toBe(1)
    expect((await place.stats()).received).toBe(1)
  })
})

describe('[RP11] through a running bridge', () => {
  it('the one that has the folder is found and takes them; states of an export are kept, --again works', async () => {
    using place = openWorkplace()
    await using segment = await startSegment()
    await using bridge = await startBridge({
      DATA_DIR: place.dataDir,
      SEGMENT_HOST: segment.url,
      SEGMENT_WRITE_KEY: 'key',
    })
    const path = place.file('a.json', JSON.stringify(many(1_200), undefined, 1))
    expect(await place.replayed([path])).toMatchObject({
      code: 0,
      to: `the bridge at ${bridge.origin}`,
      stored: 1_200,
    })
    await bridge.until(({ accepted }) => accepted === 1_200)
    expect(await place.replayed(['--again', '--limit', '10', path])).toMatchObject({ again: 10, stored: 0 })
    await bridge.until(({ accepted, duplicates }) => accepted === 1_200 && duplicates === 10)
    const lines = (await place.export(['--state', 'accepted'])).out
    expect(lines.length).toBe(1_200)
    expect(await place.replay([path], { environment: { ADMIN_TOKEN: 'not-this-one' } })).toMatchObject({
      code: 1,
      said: expect.stringContaining('does not take the admin token'),
    })
  })

  it('--to goes through the webhook of any bridge, signed; --as-admin through its API', async () => {
    using place = openWorkplace()
    await using bridge = await startBridge({
      ADMIN_TOKEN: 'admin-token',
      SEGMENT_WRITE_KEY: 'key',
      SEGMENT_HOST: 'http://127.0.0.1:9',
    })
    const events = many(1_100)
    const path = place.file('a.ndjson', toNdjson(events))
    expect(await place.replayed(['--to', bridge.origin, path])).toMatchObject({ code: 0, sent: 1_100 })
    expect(await bridge.stats()).toMatchObject({ received: 1_100, duplicates: 0 })
    const environment = { ADMIN_TOKEN: 'admin-token' }
    expect(await place.replayed(['--to', bridge.origin, '--as-admin', path], { environment })).toMatchObject({
      duplicates: 1_100,
    })
    expect(
      await place.replay(['--to', bridge.origin, path], {
        environment: { TWILIO_AUTH_TOKEN: 'f'.repeat(32) },
      }),
    ).toMatchObject({
      code: 1,
      said: expect.stringContaining('TWILIO_AUTH_TOKEN here must be one of those there'),
    })
    expect(existsSync(join(place.dataDir, 'outbox.db'))).toBe(false)
  })

  it('429, 5xx and a cut connection are tried again; any other answer ends it with a sentence', async () => {
    using place = openWorkplace()
    const answers = [429, 503, 0, 200]
    const bodies: string[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const status = answers.shift() ?? 404
      if (status === 200) bodies.push(body)
      if (status === 0) request.socket.destroy()
      else response.writeHead(status, { 'retry-after': '0' }).end('{}')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    const [event] = many(1)
    const path = place.file('a.json', JSON.stringify(event))
    expect(await place.replayed(['--to', url, path])).toMatchObject({ code: 0, sent: 1 })
    expect(bodies.map(body => JSON.parse(body))).toEqual([[event]])
    expect(await place.replay(['--to', url, path])).toMatchObject({
      code: 1,
      said: expect.stringContaining('with 404'),
    })
    server.close()
    server.closeAllConnections()
  })
})

it('[RP12] "replay --help" teaches with examples and tells the exit codes', async () => {
  using place = openWorkplace()
  const { code, out } = await place.replay(['--help'])
  const help = out.join('')
  expect(code).toBe(0)
  for (const part of [
    'replay captured.ndjson.gz',
    'aws s3 cp',
    '--to https://bridge.example.com',
    'Exit codes: 0',
    'goes on where it was',
  ]) {
    expect(help).toContain(part)
  }
  expect(readFileSync(join(import.meta.dirname, '../../src/cli/replay.ts'), 'utf8')).not.toMatch(
    /\+1(?!555)\d{10}/,
  )
})
