/** Which requests have come to the stand-in, and what each was answered. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { limits } from './segment-request.ts'

const REQUESTS_KEPT = 10_000

/** Listed from its headers on, so that a hanging one is seen. */
export type SeenRequest = {
  readonly at: number
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Of the body as it came, compressed or not. */
  readonly bytes: number
  /** Calls in the body; 0 when it cannot be read. */
  readonly count: number
  /** `undefined`: not answered. */
  readonly status: number | undefined
}
type Head = Pick<IncomingMessage, 'method' | 'url' | 'headers'>
type Entry = { -readonly [Key in keyof SeenRequest]: SeenRequest[Key] }

export function createLog() {
  const requests: Entry[] = []
  const statuses: Record<string, number> = {}
  const counts = { requests: 0, statuses }

  return {
    requests,
    counts,

    open({ method = '', url: path = '', headers }: Head, at: number): Entry {
      const entry: Entry = { at, method, path, headers, bytes: 0, count: 0, status: undefined }
      requests.push(entry)
      counts.requests++
      if (requests.length > REQUESTS_KEPT) requests.shift()
      return entry
    },

    /** An answer to a caller that has gone is none. */
    answered(entry: Entry, { socket, statusCode }: ServerResponse): void {
      if (socket === null || socket.destroyed) return
      entry.status = statusCode
      statuses[statusCode] = (statuses[statusCode] ?? 0) + 1
    },
  }
}

/** `undefined`: the caller went away before the end. A body longer than any route takes is read and forgotten. */
export async function readBody(
  request: IncomingMessage,
): Promise<{ readonly kept: Buffer | undefined; readonly bytes: number } | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request) {
      bytes += chunk.length
      if (bytes <= limits.batchBytes) chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return { kept: bytes <= limits.batchBytes ? Buffer.concat(chunks) : undefined, bytes }
}
