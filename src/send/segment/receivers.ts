/** What each receiver of Segment's protocol wants beyond it, by its own documentation. Pure data. */
import type { Receiver } from '../../config/receivers.ts'
import { BATCH_BYTES } from './limits.ts'

export type Dialect = {
  /** Of one request. */
  readonly batchBytes: number
  readonly headers: Readonly<Record<string, string>>
}

const asSegment: Dialect = { batchBytes: BATCH_BYTES, headers: {} }

export const dialects: Readonly<Record<Receiver, Dialect>> = {
  segment: asSegment,
  // Its gateway takes 4 MB; a fifth is left for what a proxy in front may count.
  rudderstack: { batchBytes: 3_200 * 1_024, headers: {} },
  // Without it every answer is a 200, whatever came.
  customerio: { batchBytes: BATCH_BYTES, headers: { 'x-strict-mode': '1' } },
  jitsu: asSegment,
  other: asSegment,
}
