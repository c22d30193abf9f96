/**
 * gzip, member by member, and zlib, which is one. zlib in JavaScript and not that of Node, which keeps back what it has unpacked when it finds a
 * fault, and reads no further than padding between two members. Every output is 64 KiB at most, so that nothing small can
 * become large in memory.
 */
import { Z_BUF_ERROR, Z_OK, Z_STREAM_END, ZStream, zlibInflate, zlibInflateInit2 } from 'pako'
import type { Input } from './input.ts'
import { type OnFault, Unreadable } from './unreadable.ts'

/** The largest window, and which header and trailer there are. */
const windowBits = { gzip: 15 + 16, zlib: 15 } as const
export type Deflated = keyof typeof windowBits
const OUTPUT_BYTES = 64 * 1_024
/** Damage shows late: what follows it is taken for data for a while, and the beginning of the next member with it. */
const LATE_BYTES = 16 * 1_024
const LINE_FEED = Uint8Array.of(0x0a)

export const beginsGzip = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0x1f && bytes[at + 1] === 0x8b

/** Its second byte is made so that both are a multiple of 31; these are three of its four levels, and the fourth is text. */
export const beginsZlib = ([method, level]: Uint8Array): boolean =>
  method === 0x78 && level !== undefined && [0x01, 0x9c, 0xda].includes(level)

/** Strict enough to be found among any other bytes: method, flags, and what packers write as level and system. */
function isMember(bytes: Uint8Array, at: number): boolean {
  const [, , method, flags = 0, , , , , level = 0, system = 0] = bytes.subarray(at, at + 10)
  const isLikely =
    method === 8 && flags < 0x20 && [0, 2, 4].includes(level) && (system <= 20 || system === 255)
  return beginsGzip(bytes, at) && isLikely
}

export async function* gunzip(
  input: Input,
  form: Deflated,
  onFault: OnFault,
): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const fault = yield* inflateMember(input, form)
    const isSound = fault === undefined || fault.isRead
    const { dropped, zeros } = await input.seek(form === 'gzip' ? isMember : () => false)
    const isEnd = (await input.peek(1)).length === 0
    if (isEnd) input.check()
    if (fault && isEnd && !isSound) throw new Unreadable(fault.why)
    const lost = Math.max(0, dropped - (fault?.again ?? 0))
    if (fault) onFault(isSound ? fault.why : `${fault.why}; the next ${lost} bytes of the file are lost`)
    // What follows must not become part of the record that broke off.
    if (!isSound) yield LINE_FEED
    // The length that follows a wrong checksum is no stray bytes.
    else if (!zeros && !(fault && dropped <= 4))
      onFault(`${dropped} bytes ${isEnd ? 'after' : 'between parts of'} the ${form} data are no ${form} data`)
    if (isEnd) return
  }
}

/**
 * `isRead`: all of it was unpacked, but it is not what was packed. `again`: so many bytes that were unpacked before the fault showed
 * are put back, to be searched for the next member.
 */
type Fault = { readonly why: string; readonly isRead: boolean; readonly again?: number }

async function* inflateMember(input: Input, form: Deflated): AsyncGenerator<Uint8Array, Fault | undefined> {
  const stream = new ZStream()
  zlibInflateInit2(stream, windowBits[form])
  const begin = input.at()
  /** Of what was unpacked, the last bytes. */
  let tail: Uint8Array = new Uint8Array()
  const fail = async (fault: Fault): Promise<Fault> => {
    if (form === 'zlib' || (fault.isRead && (await mayEndHere(input)))) return fault
    // Not from this member's own beginning on, which would be found for ever.
    const again = tail.subarray(tail.length === input.at() - begin ? 1 : 0)
    input.putBack(again)
    return { ...fault, isRead: false, again: again.length }
  }
  for (;;) {
    const packed = await input.peek(1)
    if (packed.length === 0) {
      input.check()
      return fail({ why: `the ${form} data ends too early: the rest is missing`, isRead: false })
    }
    stream.input = packed
    stream.next_in = 0
    stream.avail_in = packed.length
    let status: number
    do {
      stream.output = new Uint8Array(OUTPUT_BYTES)
      stream.next_out = 0
      stream.avail_out = OUTPUT_BYTES
      status = zlibInflate(stream, 0)
      if (stream.next_out > 0) yield stream.output.subarray(0, stream.next_out)
    } while (status === Z_OK && (stream.avail_in > 0 || stream.avail_out === 0))
    const read = packed.subarray(0, stream.next_in)
    tail =
      read.length < LATE_BYTES
        ? Buffer.concat([tail, read]).subarray(-LATE_BYTES)
        : read.subarray(-LATE_BYTES)
    input.drop(stream.next_in)
    if (status === Z_STREAM_END) return undefined
    if (status !== Z_OK && status !== Z_BUF_ERROR) return fail(toFault(form, stream.msg, input.at()))
  }
}

const isPadding = (bytes: Uint8Array) => bytes.every(byte => byte === 0)

/** Behind a wrong checksum stands the length, and then the end, padding or the next member. Else it was no checksum. */
async function mayEndHere(input: Input): Promise<boolean> {
  const ahead = await input.peek(4 + 32)
  return [0, 4].some(
    at => ahead.length <= at || isPadding(ahead.subarray(at, at + 32)) || isMember(ahead, at),
  )
}

function toFault(form: Deflated, message: string, at: number): Fault {
  if (message === 'incorrect data check')
    return {
      why: `the ${form} data does not match its checksum: it was read, and may be damaged`,
      isRead: true,
    }
  if (message === 'incorrect length check')
    return {
      why: `the ${form} data does not match its length: it was read, and may be damaged`,
      isRead: true,
    }
  return { why: `the ${form} data is damaged near byte ${at} (${message})`, isRead: false }
}
