/**
 * A JSON record → what is in it: the record itself, or what Kinesis has wrapped it in, as `aws kinesis get-records` and
 * Lambda write it (`Data`, base64, which may be packed and may hold several). Pure.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { isObject } from '../../event/event.ts'
import { MAX_RECORD_BYTES, splitAll } from './split.ts'

export type Unwrapped =
  | { readonly value: unknown; readonly text: string; readonly fault?: undefined }
  | { readonly fault: string; readonly text: string }

/** A wrapper in a wrapper in a wrapper is nobody's format. */
const DEEPEST = 3

export function* unwrap(text: string, depth = 0): Generator<Unwrapped, void> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return yield { text, fault: `not_json: ${error instanceof Error ? error.message : String(error)}` }
  }
  const wrapped = depth < DEEPEST ? wrappedIn(value) : undefined
  if (!wrapped) return yield { value, text }
  for (const data of wrapped) {
    if (typeof data !== 'string') yield { text, fault: 'not_a_cloudevent: a Kinesis record without data' }
    else yield* unwrapData(data, depth)
  }
}

function* unwrapData(data: string, depth: number): Generator<Unwrapped, void> {
  let bytes: Uint8Array
  try {
    bytes = unpack(Buffer.from(data, 'base64'))
  } catch (error) {
    return yield { text: data, fault: `not_json: the data of a Kinesis record cannot be unpacked (${error})` }
  }
  for (const { text, fault } of splitAll(bytes)) {
    if (fault !== undefined) yield { text, fault }
    else yield* unwrap(text, depth + 1)
  }
}

/** The `Data` of each Kinesis record; `undefined` when it is no such wrapper. */
function wrappedIn(value: unknown): unknown[] | undefined {
  if (!isObject(value) || 'specversion' in value || 'bridge' in value) return undefined
  const records = value.Records ?? value.records
  if (Array.isArray(records)) return records.map(dataOf)
  const data = dataOf(value)
  return typeof data === 'string' ? [data] : undefined
}

function dataOf(record: unknown): unknown {
  if (!isObject(record)) return undefined
  if (isObject(record.kinesis)) return record.kinesis.data
  return record.Data ?? record.data
}

function unpack(bytes: Buffer): Uint8Array {
  const limit = { maxOutputLength: MAX_RECORD_BYTES }
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return gunzipSync(bytes, limit)
  if (bytes.length > 4 && bytes.readUInt32LE() === 0xfd2fb528) return zstdDecompressSync(bytes, limit)
  return bytes
}
