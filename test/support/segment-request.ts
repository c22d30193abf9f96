/**
 * The edge of Segment's Tracking API, stateless as the real one: a request in, its calls or a refusal out.
 * Statuses and limits as in Segment's documentation and in segmentio/tracking-api-chaos. No clock, no memory.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'

export const limits = { batchBytes: 500 << 10, callBytes: 32 << 10, batchCalls: 2_500 } as const

export type Json = Record<string, unknown>
export type Answer = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** What a request carries. A refused one is not taken, but may still be readable. */
export type Delivery = {
  readonly calls: readonly unknown[]
  readonly sentAt: unknown
  readonly refusal: Answer | undefined
}

type Request = {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** `undefined`: longer than any route takes. */
  readonly body: Buffer | undefined
}

const routes = new Map([
  ...['track', 'identify', 'page', 'screen', 'group', 'alias', 'batch'].map(
    name => [`/v1/${name}`, name] as const,
  ),
  ['/v1/import', 'batch'],
])

export const toJsonAnswer = (status: number, body: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})
export const toTextAnswer = (status: number, body: string, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
  body,
})

export const taken = toJsonAnswer(200, { success: true })
export const badRequest = toTextAnswer(400, 'Bad Request\n')
const tooLarge = toJsonAnswer(400, {
  success: false,
  message: 'Exceed payload limit',
  code: 'invalid_request',
})
const malformedGzip = toJsonAnswer(400, { success: false, message: 'Malformed gzip content' })
const noWriteKey = toJsonAnswer(400, {
  success: false,
  message: 'An invalid write key was provided',
  code: 'invalid_request',
})
// RudderStack's answer: Segment itself never refuses a key it does not know.
const unknownWriteKey = toTextAnswer(401, 'Invalid Write Key\n')

export async function unpack(request: Request, acceptKeys: readonly string[] | undefined): Promise<Delivery> {
  const route = routes.get(request.path.toLowerCase().replace(/\/?(\?.*)?$/, ''))
  if (route === undefined) return refuse(toTextAnswer(404, 'Not Found\n'))
  if (request.method !== 'POST' && request.method !== 'PUT') {
    return refuse(toTextAnswer(405, 'Method Not Allowed\n', { allow: 'POST, PUT' }))
  }

  const bytes = await inflate(request)
  if ('status' in bytes) return refuse(bytes)
  if (bytes.length > (route === 'batch' ? limits.batchBytes : limits.callBytes)) return refuse(tooLarge)

  const body = parse(bytes)
  if (!isObject(body)) return refuse(badRequest)

  const { writeKey, ...call } = body
  const { sentAt, batch } = body
  const calls = route !== 'batch' ? [{ ...call, type: route }] : Array.isArray(batch) ? batch : []
  const refusal = refuseKey(toBasicUser(request.headers.authorization) || writeKey, acceptKeys)
  return {
    calls,
    sentAt,
    refusal: refusal ?? (longestCallBytes(bytes) > limits.callBytes ? tooLarge : undefined),
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(refusal: Answer): Delivery {
  return { calls: [], sentAt: undefined, refusal }
}

function refuseKey(key: unknown, acceptKeys: readonly string[] | undefined): Answer | undefined {
  const given = typeof key === 'string' ? key : ''
  if (acceptKeys) return acceptKeys.includes(given) ? undefined : unknownWriteKey
  return given === '' ? noWriteKey : undefined
}

function toBasicUser(authorization: string | undefined): string | undefined {
  const encoded = authorization?.match(/^basic +(.*)$/i)?.[1]
  return encoded && Buffer.from(encoded, 'base64').toString().split(':')[0]
}

async function inflate({ headers, body }: Request): Promise<Buffer | Answer> {
  if (body === undefined) return tooLarge
  if (headers['content-encoding'] !== 'gzip') return body
  // Only the head is named as gzip trouble: what breaks later is a bad request like any other.
  if (!body.subarray(0, 3).equals(Buffer.from([0x1f, 0x8b, 8]))) return malformedGzip
  try {
    return await promisify(gunzip)(body, { maxOutputLength: limits.batchBytes })
  } catch (error) {
    return error instanceof RangeError ? tooLarge : badRequest
  }
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

/** Measured in the body itself: serialising a call again would hide escapes, blanks and repeated keys. */
function longestCallBytes(json: Buffer): number {
  if (json.length <= limits.callBytes) return 0
  let depth = 0
  let inArray = false
  let start = 0
  let longest = 0
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case 0x22: // "
        for (at++; json[at] !== 0x22; at++) if (json[at] === 0x5c) at++
        break
      case 0x5b: // [
      case 0x7b: // {
        depth++
        if (depth === 2) inArray = json[at] === 0x5b
        if (depth === 3) start = at
        break
      case 0x5d: // ]
      case 0x7d: // }
        if (depth === 3 && inArray) longest = Math.max(longest, at + 1 - start)
        depth--
        break
    }
  }
  return longest
}
