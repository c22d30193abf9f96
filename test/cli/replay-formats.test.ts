/** What replay reads: every form that people have, from the tools they have, gives the same track calls; what is no form is told. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { type Bad, openRejected } from '../../src/cli/replay/rejected.ts'
import { type Piece, split } from '../../src/cli/replay/split.ts'
import { openWorkplace, readLines, toNdjson } from '../support/replay.ts'
import { runs } from '../support/runs.ts'
import { inboundMessage, messageStatus } from '../support/twilio.ts'

const place = openWorkplace()
afterAll(() => place[Symbol.dispose]())

const events = [
  messageStatus({ type: 'sent' }),
  messageStatus({
    type: 'delivered',
    data: { text: 'a "quote", a \\ and {brackets] – Grüße, 🎉', list: [[1], { a: [] }] },
  }),
  inboundMessage({ data: { body: '}{ ][\n"\\u0041' } }),
  { ...messageStatus(), data: JSON.stringify(messageStatus().data) },
]
const ndjson = toNdjson(events)
const source = place.file('source.ndjson', ndjson)
const has = (tool: string) => spawnSync(tool, ['--version']).status === 0
const tool = (name: string, args: string[], input: string | Uint8Array = ndjson) =>
  execFileSync(name, args, { input, maxBuffer: 1e8 })

const kinesis = (data: string | Uint8Array) => ({
  SequenceNumber: '49',
  ApproximateArrivalTimestamp: 1_790_000_000.5,
  Data: Buffer.from(data).toString('base64'),
  PartitionKey: 'p',
})

type Form = readonly [name: string, make: () => string | Uint8Array]
const forms: readonly Form[] = [
  ['NDJSON', () => ndjson],
  ['NDJSON without its last line break', () => ndjson.trimEnd()],
  ['one array', () => JSON.stringify(events)],
  ['an array a line', () => events.map(event => `${JSON.stringify([event])}\n`).join('')],
  [
    'objects run together, as Firehose writes them',
    () => events.map(event => JSON.stringify(event)).join(''),
  ],
  ['pretty-printed objects', () => events.map(event => JSON.stringify(event, undefined, 2)).join('\n')],
  ['a pretty-printed array', () => JSON.stringify(events, undefined, '\t')],
  ['a byte order mark and CRLF', () => `\ufeff${ndjson.replaceAll('\n', '\r\n')}`],
  ['UTF-16, as PowerShell writes it', () => Buffer.from(`\ufeff${ndjson}`, 'utf16le')],
  ['JSON text sequences (RFC 7464)', () => events.map(event => `\u001e${JSON.stringify(event)}\n`).join('')],
  ['gzip', () => gzipSync(ndjson)],
  ['two gzip members', () => Buffer.concat([gzipSync(ndjson.slice(0, 900)), gzipSync(ndjson.slice(900))])],
  ['zstd', () => zstdCompressSync(ndjson)],
  ['zstd in gzip', () => gzipSync(zstdCompressSync(ndjson))],
  [
    'what get-records answers',
    () =>
      JSON.stringify({
        Records: events.map(event => kinesis(JSON.stringify(event))),
        NextShardIterator: 'A',
      }),
  ],
  ['Kinesis records, one a line', () => toNdjson(events.map(event => kinesis(JSON.stringify(event))))],
  ['a Kinesis record that is packed and holds several', () => JSON.stringify(kinesis(gzipSync(ndjson)))],
  [
    'what Lambda is given',
    () =>
      JSON.stringify({
        Records: events.map(event => ({ kinesis: { data: kinesis(JSON.stringify(event)).Data } })),
      }),
  ],
]
const toolForms: readonly Form[] = [
  ['gzip -9', () => tool('gzip', ['-9', '-c'])],
  ['zstd -19', () => tool('zstd', ['-19', '-c'])],
  ['jq .', () => tool('jq', ['.'])],
  ['jq -c .', () => tool('jq', ['-c', '.'])],
  ['jq -s .', () => tool('jq', ['-s', '.'])],
  ['tr -d "\\n"', () => tool('tr', ['-d', '\n'])],
]

describe('[RP1] every form gives the same track calls', () => {
  async function dryRun(...args: string[]): Promise<unknown[]> {
    const { out, said } = await place.replay(['--dry-run', ...args])
    expect(said).toContain('would be sent')
    return out.map(line => JSON.parse(line))
  }

  it.each([...forms, ...toolForms.filter(([name]) => has(name.split(' ')[0] ?? ''))])(
    '%s',
    async (name, make) => {
      const expected = await dryRun(source)
      expect(expected.length).toBe(events.length)
      // The name says nothing, or something wrong.
      expect(await dryRun(place.file(`${name.replaceAll(/\W/g, '_')}.txt`, make()))).toEqual(expected)
    },
  )

  it.runIf(has('split'))('parts that `split` made, in one folder', async () => {
    const folder = join(place.folder, 'parts')
    execFileSync('sh', [
      '-c',
      'mkdir "$1" && split -n l/3 --filter=\'gzip > $FILE\' "$2" "$1/part-"',
      'sh',
      folder,
      source,
    ])
    expect(await dryRun(folder)).toEqual(await dryRun(source))
  })
})

describe('[RP2] a record ends where its JSON ends', () => {
  async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  async function collect(text: string, size: number): Promise<Piece[]> {
    const found: Piece[] = []
    for await (const pieces of split(inChunks(Buffer.from(text), size))) found.push(...pieces)
    return found
  }

  it('however it is cut into chunks, and whatever stands between records', { tags: 'property' }, async () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
    const between = fc.constantFrom('', '\n', '\r\n', ' ,\n', '\n\n', '\u001e')
    const space = fc.constantFrom(undefined, 2, '\t')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(object, between, space)),
        fc.integer({ min: 1, max: 40 }),
        async (records, size) => {
          const text = records
            .map(([record, blank, indent]) => JSON.stringify(record, undefined, indent) + blank)
            .join('')
          const pieces = await collect(text, size)
          expect(pieces.map(piece => JSON.parse(piece.text))).toEqual(
            records.map(([record]) => JSON.parse(JSON.stringify(record))),
          )
          for (const { at, end, text: part } of pieces)
            expect(Buffer.from(text).subarray(at, end).toString()).toBe(part)
        },
      ),
      { numRuns: runs(200) },
    )
  })

  it.each([
    ['a line torn inside a text', `${ndjson.slice(0, 300)}\n${ndjson}`],
    ['a line torn behind a colon', `{"specversion":"1.0","data":\n${ndjson}`],
    [
      'a record torn with nothing behind it but the next',
      `${ndjson.slice(0, 300)}${ndjson.replaceAll('\n', '')}`,
    ],
    ['a line that is no JSON', `id,type\n${ndjson}`],
    ['a control character where none may be', `{"a":${'\u0001'}}\n${ndjson}`],
    [
      'a bad one in a pretty-printed array',
      JSON.stringify([{ a: 'BAD' }, ...events], undefined, 2).replace('"BAD"', 'BAD "'),
    ],
  ])('one that is bad costs no other: %s', async (_, text) => {
    for (const size of [7, 100, 100_000]) {
      const pieces = await collect(text, size)
      const good = pieces.filter(({ fault }) => fault === undefined)
      expect(good.map(piece => JSON.parse(piece.text))).toEqual(events)
      expect(pieces.length).toBe(events.length + 1)
    }
  })
})

describe('[RP3] what cannot be read is told, and what was read before it counts', () => {
  async function replay(name: string, content: string | Uint8Array) {
    const path = place.file(name, content)
    const run = await place.replay(['--from-start', '--json', path])
    return { ...run, summary: run.json<{ read: number; bad: number }>(), path }
  }

  it.each([
    ['a torn last line', ndjson.slice(0, -50), 3, /not_json: the text ends inside the record/],
    [
      'an array cut short',
      JSON.stringify(events).slice(0, -1),
      4,
      /cut_short: the text ends inside an array/,
    ],
    [
      'a gzip cut short',
      () => gzipSync(ndjson.repeat(500), { level: 1 }).subarray(0, 12_000),
      1,
      /the gzip data ends too early: the rest is missing/,
    ],
    [
      'a binary file',
      Uint8Array.from({ length: 3_000 }, (_, at) => (at * 7919) % 256),
      0,
      /it is a binary file/,
    ],
    ['a zip archive', 'PK\u0003\u0004rest', 0, /it is a zip archive: unpack it first/],
    [
      'an event that does not fit its schema',
      toNdjson([...events, messageStatus({ data: { to: 7 } })]),
      4,
      /schema_rejected: \$\.data\.to should be/,
    ],
    [
      'JSON that is no event',
      `${ndjson}{"a":1}`,
      4,
      /not_a_cloudevent: \$\.specversion should be "1.0", is missing/,
    ],
  ] as const)('%s', async (name, content, good, reason) => {
    const { code, said, summary, path } = await replay(
      `${name.replaceAll(' ', '-')}`,
      typeof content === 'function' ? content() : content,
    )
    expect(code).toBe(3)
    expect(said).toMatch(reason)
    expect(summary.bad).toBe(1)
    expect(summary.read - 1).toBeGreaterThanOrEqual(good)
    const [bad] = readLines<Bad>(`${path}.rejected.ndjson`)
    expect(bad).toMatchObject({
      file: path,
      offset: expect.any(Number),
      reason: expect.stringMatching(reason),
    })
  })

  it('the offset is the place in the unpacked text, the text its beginning', async () => {
    const bad = `{"specversion":"1.0","text":"${'x'.repeat(5_000)}"}`
    const { path } = await replay('offset.gz', gzipSync(`${ndjson}${bad}\n${ndjson}`))
    expect(readLines(`${path}.rejected.ndjson`)).toEqual([
      {
        file: path,
        offset: Buffer.byteLength(ndjson),
        reason: expect.stringContaining('not_a_cloudevent'),
        text: bad.slice(0, 2_000),
      },
    ])
  })

  it('an empty file, a folder without files, no such file', async () => {
    expect(await replay('empty', '')).toMatchObject({
      code: 3,
      said: expect.stringContaining('empty holds no events'),
    })
    const folder = join(place.folder, 'nothing')
    execFileSync('mkdir', [folder])
    expect(await place.replay([folder])).toMatchObject({
      code: 3,
      said: expect.stringContaining('nothing holds no files'),
    })
    expect(await place.replay([join(place.folder, 'nowhere')])).toMatchObject({
      code: 2,
      said: expect.stringContaining('No such file'),
    })
  })

  it('a folder is read without what a replay itself has left there', async () => {
    const folder = join(place.folder, 'again')
    execFileSync('mkdir', [folder])
    writeFileSync(join(folder, 'a.json'), `${ndjson}{"a":1}`)
    const first = await place.replayed(['--from-start', folder])
    const second = await place.replayed(['--from-start', folder])
    expect([first.read, second.read]).toEqual([5, 5])
    expect(readFileSync(join(place.folder, 'a.json.rejected.ndjson'), 'utf8').split('\n').length).toBe(2)
  })

  it('--strict stops at the first bad one; what came before it is stored', async () => {
    using fresh = openWorkplace()
    const path = fresh.file('strict', `${JSON.stringify(events[0])}\n{"a":1}\n${ndjson}`)
    const summary = await fresh.replayed(['--strict', path])
    expect(summary).toMatchObject({ code: 1, end: 'strict', stored: 1, bad: 1 })
    expect((await fresh.stats()).received).toBe(1)
  })
})

it('[RP222] a file of bad records ends at a size, with a line that says so', () => {
  using place = openWorkplace()
  const source = { name: 'a', path: '/a', size: 1, open: () => Readable.from([]) }
  const bad = Array.from({ length: 50 }, (_, offset) => ({
    file: 'a',
    offset,
    reason: 'not_json',
    text: 'x',
  }))
  const read = () => readLines<Bad>(join(place.folder, 'a.rejected.ndjson'))
  const file = openRejected(source, place.folder, 0, 600)
  file.write(bad)
  const lines = read()
  expect(lines.length).toBeLessThan(20)
  expect(lines.at(-1)?.reason).toBe(
    'further bad records are counted, but not written: this file has reached 600 bytes',
  )
  expect(lines.slice(0, -1)).toEqual(bad.slice(0, lines.length - 1))
  file.close()
  const again = openRejected(source, place.folder, file.bytes(), 600)
  again.write(bad)
  again.close()
  expect(read()).toEqual(lines)
})
