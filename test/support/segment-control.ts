/** The stand-in under a harness that lives in another process: `/_/` takes orders and tells what has arrived. */

import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import type { SegmentStandIn } from './segment.ts'
import { Fault, FaultSpan } from './segment-faults.ts'
import { type Answer, toJsonAnswer } from './segment-request.ts'

const Order = z.strictObject({ fault: Fault, ...FaultSpan.shape })

export async function control(segment: SegmentStandIn, request: IncomingMessage): Promise<Answer> {
  const body = await text(request)
  switch (`${request.method} ${request.url}`) {
    case 'POST /_/fail':
      return order(segment, body)
    case 'POST /_/heal':
      segment.heal()
      return toJsonAnswer(200, {})
    case 'POST /_/reset':
      segment.reset()
      return toJsonAnswer(200, {})
    case 'GET /_/ids':
      return toJsonAnswer(200, [...segment.ids])
    case 'GET /_/events':
      return toJsonAnswer(200, segment.events)
    case 'GET /_/discarded':
      return toJsonAnswer(200, segment.discarded)
    case 'GET /_/stats':
      return toJsonAnswer(200, segment.stats)
    default:
      return toJsonAnswer(404, { message: `No control ${request.method} ${request.url}` })
  }
}

function order(segment: SegmentStandIn, body: string): Answer {
  const parsed = z.preprocess(parseJson, Order).safeParse(body)
  if (!parsed.success) return toJsonAnswer(400, { message: z.prettifyError(parsed.error) })
  const { fault, ...span } = parsed.data
  segment.fail(fault, span)
  return toJsonAnswer(200, {})
}

function parseJson(body: unknown): unknown {
  try {
    return JSON.parse(String(body))
  } catch {
    return undefined
  }
}
