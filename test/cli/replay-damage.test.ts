/** Archives that are damaged, padded, cut or bombs: what is in them is read, what is not is said, and the other files follow. */
// @module-tag long
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, crc32, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toPlain } from '../../src/cli/replay/decompress.ts'
import { openWorkplace, toNdjson } from '../support/replay.ts'
import { runs } from '../support/runs.ts'
import { messageStatus } from '../support/twilio.ts'

const cases = join(import.meta.dirname, 'cases')
const many = (n: number) => Array.from({ length: n }, () => messageStatus())
const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }
const zstd = (text: string | Uint8Array) => zstdCompressSync(text, withChecksum)
const packers = { gzip: gzipSync, zstd, zlib: deflateSync } as const
const join2 = (...parts: readonly (string | Uint8Array)[]) =>
  Buffer.concat(parts.map(part => Buffer.from(part)))

/** A copy with one byte changed; from behind when `at` is negative. */
function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes)
  const place = at < 0 ? copy.length + at : at
  copy[place] = (copy[place] ?? 0) ^ 0x55
  return copy
}

async function read(bytes: Uint8Array, chunkBytes = 64 * 1_024): Promise<{ text: string; faults: string[] }> {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  const faults: string[] = []
  const parts: Uint8Array[] = []
  try {
    for await (const chunk of toPlain(chunks(), why => faults.push(why))) parts.push(chunk)
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error))
  }
  return { text: Buffer.concat(parts).toString(), faults }
}

describe('[RP130] a damaged archive costs what cannot be read of it, and one sentence', () => {
  it.each([
    ['f01', 'f01-gzip-wrong-checksum.ndjson.gz', 1, 1, 'the gzip data does not match its checksum'],
    // Its text ends inside a record.
    ['f01c', 'f01c-zstd-wrong-checksum.ndjson.zst', 200, 2, 'the zstd data does not match its checksum'],
  ])('%s: %s between two good files', async (_, name, least, faults, sentence) => {
    using place = openWorkplace()
    const [before, after] = [place.file('a', toNdjson(many(2))), place.file('z', toNdjson(many(3)))]
    const { code, said, json } = await place.replay(['--json', before, join(cases, name), after])
    expect(code).toBe(3)
    expect(said).toContain(sentence)
    const { bad, stored } = json<{ bad: number; stored: number }>()
    expect(bad).toBe(faults)
    expect(stored).toBeGreaterThanOrEqual(5 + least)
    expect(await place.replayed([before, join(cases, name), after])).toMatchObject({
      stored: 0,
      duplicates: stored,
    })
  })

  const lines = many(60).map(event => JSON.stringify(event))
  const [first, second] = [`${lines.slice(0, 30).join('\n')}\n`, `${lines.slice(30).join('\n')}\n`]
  const [a, b] = [gzipSync(first), gzipSync(second)]
  const [c, d] = [zstd(first), zstd(second)]
  /** Skippable frames, as pzstd writes them. */
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9])

  it.each([
    ['gzip: wrong checksum', flipped(a, -6), first, [/gzip data does not match its checksum/]],
    ['gzip: wrong length', flipped(a, -2), first, [/gzip data does not match its length/]],
    ['gzip: trailing bytes', join2(a, 'rubbish'), first, [/7 bytes after the gzip data are no gzip data/]],
    ['gzip: padded to a block of a tape', join2(a, new Uint8Array(512)), first, []],
    ['gzip: members with padding between', join2(a, new Uint8Array(700), b), first + second, []],
    [
      'gzip: members with rubbish between',
      join2(a, 'rubbish', b),
      first + second,
      [/7 bytes between parts of the gzip/],
    ],
    [
      'gzip: wrong checksum of the first of two',
      join2(flipped(a, -6), b),
      first + second,
      [/does not match its checksum/],
    ],
    [
      'zlib: wrong checksum',
      flipped(deflateSync(first), -2),
      first,
      [/zlib data does not match its checksum/],
    ],
    ['zstd: wrong checksum', flipped(c, -2), first, [/zstd data does not match its checksum/]],
    ['zstd: wrong length', flipped(c, 6), first, [/zstd data does not match its length/]],
    ['zstd: trailing bytes', join2(c, 'rubbish'), first, [/7 bytes after the zstd data are no zstd data/]],
    ['zstd: frames with padding between', join2(c, new Uint8Array(700), d), first + second, []],
    ['zstd: skippable frames around', join2(skippable, c, skippable, d, skippable), first + second, []],
    ['zstd: cut in its checksum', c.subarray(0, -2), first, [/the zstd data ends too early/]],
    [
      'zstd: wrong checksum of the first of two',
      join2(flipped(c, -2), d),
      first + second,
      [/does not match its checksum/],
    ],
    [
      'zstd in gzip, the inner one with a wrong checksum',
      gzipSync(flipped(c, -2)),
      first,
      [/zstd data does not match/],
    ],
  ] as const)('%s: all of it is read', async (_, bytes, text, sentences) => {
    for (const size of [7, 64 * 1_024]) {
      const found = await read(bytes, size)
      expect(found.text).toBe(text)
      expect(found.faults.length, found.faults.join('\n')).toBe(sentences.length)
      for (const [index, sentence] of sentences.entries()) expect(found.faults[index]).toMatch(sentence)
    }
  })

  it.each(Object.entries(packers))('%s: cut anywhere, what came before is read', async (_, pack) => {
    const bytes = pack(first)
    for (const share of [0.3, 0.6, 0.95]) {
      const found = await read(bytes.subarray(0, Math.floor(bytes.length * share)))
      expect(found.faults).toEqual([expect.stringMatching(/ends too early: the rest is missing/)])
      expect(first.startsWith(found.text)).toBe(true)
    }
  })

  it('gzip: to the last byte before the damage, and from the next member on', async () => {
    // Stored blocks: what stands where is known.
    const stored = gzipSync(first, { level: 0 })
    const at = 10 + 5 + Math.floor(first.length / 2)
    const deflated = gzipSync(first, { level: 9 })
    const half = await read(join2(deflated.subarray(0, deflated.length / 2), Buffer.alloc(40, 0xff), b))
    // The padding may be a fault of its own, or the end of what went before.
    expect([1, 2]).toContain(half.faults.length)
    expect(half.text.endsWith(`\n${second}`)).toBe(true)
    expect(half.text.startsWith(first.slice(0, first.length / 4))).toBe(true)
    const wrong = await read(join2(flipped(stored, at), b))
    expect(wrong.faults).toEqual([expect.stringContaining('does not match its checksum')])
    expect(wrong.text.length).toBe(first.length + second.length)
  })

  it('zstd: block by block', async () => {
    const long = Array.from({ length: 20_000 }, (_, n) => `${n} ${crc32(`${n}`)} ${crc32(`x${n}`)}\n`).join(
      '',
    )
    const bytes = zstdCompressSync(long)
    const at = Math.floor(bytes.length * 0.7)
    bytes.fill(0xff, at, at + 200)
    const found = await read(join2(bytes, d))
    expect(found.faults.length).toBe(1)
    expect(found.text.endsWith(`\n${second}`)).toBe(true)
    expect(found.text.length).toBeGreaterThan(128 * 1_024)
  })

  it('whatever byte is changed: no crash, no silence', { tags: 'property' }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('gzip' as const, 'zstd' as const, 'zlib' as const),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (name, place, change) => {
          const bytes = Buffer.from(packers[name](first))
          const at = place % bytes.length
          bytes[at] = (bytes[at] ?? 0) ^ change
          const { text, faults } = await read(bytes)
          // The header of gzip says things that are not about the data: time, level, system. What does not begin as an archive
          // is none, and passed on as it is: whoever looks for records in it says so.
          if (text !== first && text !== bytes.toString()) expect(faults.length).toBeGreaterThan(0)
        },
      ),
      { numRuns: runs(300), examples: [['zlib', 0, 1]] },
    )
  })

  it.each(Object.entries(packers))(
    '%s: one whose first byte is damaged is no text: said, exit 3',
    async (_, pack) => {
      using place = openWorkplace()
      const { code, json } = await place.replay(['--json', place.file('damaged', flipped(pack(first), 0))])
      expect(code).toBe(3)
      const { bad, stored } = json<{ bad: number; stored: number }>()
      expect(bad).toBeGreaterThan(0)
      expect(stored).toBe(0)
    },
  )

  it('gzip: a member that begins right behind damage is found, however much of it was taken for data', async () => {
    for (let round = 0; round < 50; round++) {
      const [long, next] = [many(30), many(2)].map(toNdjson) as [string, string]
      const cut = gzipSync(long, { level: 9 })
      const { text, faults } = await read(join2(cut.subarray(0, cut.length / 2), gzipSync(next)))
      expect(faults).toHaveLength(1)
      expect(text.endsWith(`\n${next}`)).toBe(true)
    }
  })

  it.each([
    [
      'a tar archive in gzip',
      gzipSync(join2('x'.repeat(257), 'ustar', new Uint8Array(300))),
      /it is a tar archive in gzip: unpack it first/,
    ],
    ['what unpacks to itself', 'quine', /packed more than 4 times/],
    [
      'an SQLite database',
      join2('SQLite format 3\0', new Uint8Array(100)),
      /it is a SQLite database: convert it/,
    ],
  ])('%s is named', async (_, content, sentence) => {
    let bytes = Buffer.from(content)
    if (content === 'quine') for (let n = 0; n < 6; n++) bytes = gzipSync(bytes)
    expect((await read(bytes)).faults).toEqual([expect.stringMatching(sentence)])
  })

  it('a folder of a thousand files with a few bad ones', async () => {
    using place = openWorkplace()
    const folder = join(place.folder, 'many')
    mkdirSync(folder)
    const bad = new Map([
      [17, flipped(gzipSync(toNdjson(many(1))), -6)],
      [333, gzipSync(toNdjson(many(2))).subarray(0, 60)],
      [512, flipped(zstd(toNdjson(many(1))), -2)],
      [700, Buffer.from('PK\u0003\u0004rest')],
    ])
    for (let n = 0; n < 1_000; n++) {
      const name = join(folder, `part-${String(n).padStart(4, '0')}`)
      writeFileSync(name, bad.get(n) ?? (n % 2 ? gzipSync(toNdjson(many(1))) : toNdjson(many(1))))
    }
    const { code, said, json } = await place.replay(['--json', folder])
    expect(code).toBe(3)
    expect(json()).toMatchObject({ end: 'done', bad: 4, stored: 998 })
    for (const n of bad.keys()) expect(said).toContain(`part-${String(n).padStart(4, '0')}, byte`)
  })
})

describe('[RP131] a bomb unpacks within bounded memory (A8)', () => {
  const script = join(import.meta.dirname, '../support/split-stdin.ts')
  const blank = Buffer.alloc(250_000_000, ' ')
  const bombs = {
    gzip: () => gzipSync(blank, { level: 9 }),
    zlib: () => deflateSync(blank, { level: 9 }),
    zstd: () => zstdCompressSync(blank),
    'zstd in gzip': () => gzipSync(zstdCompressSync(blank)),
  } as const

  it.each(Object.entries(bombs))('%s', { tags: 'long' }, async (_, make) => {
    const child = spawn(process.execPath, ['--max-old-space-size=64', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.stdin.end(make())
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    const { records, bad, peakBytes } = JSON.parse(said)
    expect({ records, bad }).toEqual({ records: 0, bad: 0 })
    expect(peakBytes ?? 0).toBeLessThan(180_000_000)
  })
})
