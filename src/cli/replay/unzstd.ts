/**
 * zstd, block by block: a frame says where each of its blocks ends, and a block never unpacks to more than 128 KiB. So nothing
 * small becomes large in memory, and what was unpacked before a fault is out before it is found.
 */
import { createZstdDecompress, type ZstdDecompress } from 'node:zlib'
import type { Input } from './input.ts'
import { type OnFault, Unreadable } from './unreadable.ts'

const BLOCK_BYTES = 128 * 1_024
const OUTPUT_BYTES = 64 * 1_024
const CHECKSUM_BYTES = 4
/** The largest window that the decoder takes by itself; and what packers use, for a size too small may be the wrong one. */
const LARGEST_WINDOW = 27
const USUAL_WINDOW = 23
const LINE_FEED = Uint8Array.of(0x0a)
const MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd)

const isFrame = (bytes: Uint8Array, at: number): boolean =>
  MAGIC.every((byte, index) => bytes[at + index] === byte)
/** Nothing to unpack, and to be skipped: pzstd begins its files with one. */
const isSkippable = (bytes: Uint8Array, at: number): boolean =>
  ((bytes[at] ?? 0) & 0xf0) === 0x50 &&
  bytes[at + 1] === 0x2a &&
  bytes[at + 2] === 0x4d &&
  bytes[at + 3] === 0x18

export const beginsZstd = (bytes: Uint8Array, at: number): boolean =>
  isFrame(bytes, at) || isSkippable(bytes, at)

/** `isRead`: all of it was unpacked, but it is not what was packed. */
type Fault = { readonly why: string; readonly isRead: boolean }

const cut: Fault = { why: 'the zstd data ends too early: the rest is missing', isRead: false }

export async function* unzstd(input: Input, onFault: OnFault): AsyncGenerator<Uint8Array, void> {
  let engine = createEngine()
  try {
    for (;;) {
      const fault = isSkippable(await input.peek(8), 0) ? await skip(input) : yield* readFrame(input, engine)
      const isSound = fault === undefined || fault.isRead
      if (fault) {
        engine.close()
        engine = createEngine()
      }
      const { dropped, zeros } = await input.seek(beginsZstd)
      const isEnd = (await input.peek(1)).length === 0
      if (isEnd) input.check()
      if (fault && isEnd && !isSound) throw new Unreadable(fault.why)
      if (fault) onFault(isSound ? fault.why : `${fault.why}; the next ${dropped} bytes of the file are lost`)
      // What follows must not become part of the record that broke off.
      if (!isSound) yield LINE_FEED
      else if (!zeros)
        onFault(`${dropped} bytes ${isEnd ? 'after' : 'between parts of'} the zstd data are no zstd data`)
      if (isEnd) return
    }
  } finally {
    engine.close()
  }
}

async function skip(input: Input): Promise<Fault | undefined> {
  const head = Buffer.from(await input.peek(8))
  if (head.length < 8) return cut
  let left = 8 + head.readUInt32LE(4)
  while (left > 0) {
    const bytes = await input.peek(1)
    if (bytes.length === 0) return cut
    const step = Math.min(left, bytes.length)
    input.drop(step)
    left -= step
  }
  return undefined
}

type Header = {
  readonly bytes: Uint8Array
  readonly length: number
  readonly size: number | undefined
  readonly hasChecksum: boolean
}

/**
 * The header, with a window in place of the size: the decoder would keep back the last block of a frame whose size is wrong.
 * `undefined`: it is none.
 */
function toHeader(bytes: Uint8Array): Header | undefined {
  const descriptor = bytes[4] ?? 0
  const isSingle = (descriptor & 0x20) !== 0
  const windowBytes = isSingle ? 0 : 1
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
  const sizeAt = 5 + windowBytes + dictionaryBytes
  const length = sizeAt + sizeBytes
  if ((descriptor & 0x08) !== 0 || bytes.length < length) return undefined
  const given = Buffer.from(bytes.subarray(sizeAt, length))
  const size = sizeBytes === 0 ? undefined : toNumber(given) + (sizeBytes === 2 ? 256 : 0)
  const window = isSingle ? (windowLogOf(size ?? 0) - 10) << 3 : (bytes[5] ?? 0)
  const dictionary = bytes.subarray(sizeAt - dictionaryBytes, sizeAt)
  return {
    bytes: Uint8Array.of(...MAGIC, descriptor & 0x07, window, ...dictionary),
    length,
    size,
    hasChecksum: (descriptor & 0x04) !== 0,
  }
}

function toNumber(bytes: Buffer): number {
  return bytes.length === 8 ? Number(bytes.readBigUInt64LE()) : bytes.readUIntLE(0, bytes.length)
}

function windowLogOf(size: number): number {
  return Math.min(LARGEST_WINDOW, Math.max(USUAL_WINDOW, Math.ceil(Math.log2(Math.max(size, 1)))))
}

async function* readFrame(input: Input, engine: Engine): AsyncGenerator<Uint8Array, Fault | undefined> {
  const damaged = (why: string): Fault => ({
    why: `the zstd data is damaged near byte ${input.at()} (${why})`,
    isRead: false,
  })
  const head = await input.peek(18)
  const header = toHeader(head)
  if (!header) {
    if (head.length < 18) return cut
    input.drop(1)
    return damaged('its header is none')
  }
  input.drop(header.length)
  let fault = (await engine.unpack(header.bytes)).fault
  if (fault !== undefined) return damaged(fault)
  let size = 0
  for (let isLast = false; !isLast; ) {
    const [a, b, c] = await input.peek(3)
    if (a === undefined || b === undefined || c === undefined) return cut
    const word = a | (b << 8) | (c << 16)
    const kind = (word >> 1) & 3
    const length = kind === 1 ? 1 : word >> 3
    if (kind === 3 || word >> 3 > BLOCK_BYTES) return damaged('a block of no known kind')
    const packed = await input.peek(3 + length)
    if (packed.length < 3 + length) return cut
    const unpacked = await engine.unpack(packed.subarray(0, 3 + length))
    for (const chunk of unpacked.chunks) {
      size += chunk.length
      for (let at = 0; at < chunk.length; at += OUTPUT_BYTES) yield chunk.subarray(at, at + OUTPUT_BYTES)
    }
    if (unpacked.fault !== undefined) return damaged(unpacked.fault)
    input.drop(3 + length)
    isLast = (word & 1) === 1
  }
  if (header.hasChecksum) {
    const checksum = await input.peek(CHECKSUM_BYTES)
    if (checksum.length < CHECKSUM_BYTES) {
      input.drop(checksum.length)
      return { ...cut, isRead: true }
    }
    // Not after a fault: it may stand for something else then, and the next part is searched for.
    fault = (await engine.unpack(checksum.subarray(0, CHECKSUM_BYTES))).fault
    input.drop(CHECKSUM_BYTES)
    if (fault !== undefined)
      return {
        why: 'the zstd data does not match its checksum: it was read, and may be damaged',
        isRead: true,
      }
  }
  if (header.size !== undefined && header.size !== size)
    return { why: 'the zstd data does not match its length: it was read, and may be damaged', isRead: true }
  return undefined
}

type Engine = {
  unpack(
    packed: Uint8Array,
  ): Promise<{ readonly chunks: readonly Uint8Array[]; readonly fault: string | undefined }>
  close(): void
}

/** Node's decoder, fed with as much as it surely takes; a fault is the last it says. */
function createEngine(): Engine {
  const stream: ZstdDecompress = createZstdDecompress()
  let chunks: Uint8Array[] = []
  let fault: string | undefined
  let settle = (): void => undefined
  stream.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  stream.on('error', error => {
    fault = error.message
    settle()
  })
  return {
    async unpack(packed) {
      await new Promise<void>(resolve => {
        settle = resolve
        if (fault === undefined) stream.write(packed, () => resolve())
        else resolve()
      })
      // What a reader would get in its own time: each goes the way of all data.
      while (stream.read() !== null);
      const unpacked = { chunks, fault }
      chunks = []
      return unpacked
    },
    close: () => void stream.destroy(),
  }
}
