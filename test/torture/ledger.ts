/**
 * The sender's own books: every event that ever left, whether it was acknowledged, and the state it must end in.
 * Nothing here looks at the bridge.
 */
import type { inboundMessage, messageStatus } from '../support/twilio.ts'

/** Any well-formed event, acceptable or not. */
export type SentEvent = Readonly<Record<string, unknown>> & { readonly id: string }
export type Sample = ReturnType<typeof messageStatus> | ReturnType<typeof inboundMessage>
export type Fate = 'accepted' | 'refused' | 'rejected' | 'skipped'

export type Line = {
  readonly event: SentEvent
  /** The one state it may be in when all is done. */
  readonly fate: Fate
  /** How often it left. */
  sent: number
  /** How often it was answered 2xx. */
  acknowledged: number
}

export type Ledger = {
  readonly lines: ReadonlyMap<string, Line>
  /** Before the first byte leaves: what is not noted here counts as invented when it turns up. */
  sent(events: readonly SentEvent[], fate?: Fate): void
  acknowledged(events: readonly SentEvent[]): void
  /** Answered with a 4xx but 429: Twilio throws such events away. Each one is a failure. */
  discarded(events: readonly SentEvent[], why: string): void
  /** Bodies without readable ids (no JSON, no CloudEvent, no id): so many entries more in the account, if acknowledged. */
  others(entries: number, acknowledged: boolean): void
  readonly discards: readonly { readonly id: string; readonly why: string }[]
  readonly counts: {
    /** Unlike events, and entries without an id. */
    readonly sent: number
    readonly acknowledged: number
    readonly leastOthers: number
    readonly mostOthers: number
  }
}

export function createLedger(): Ledger {
  const lines = new Map<string, Line>()
  const discards: { id: string; why: string }[] = []
  let leastOthers = 0
  let mostOthers = 0

  return {
    lines,
    discards,
    sent(events, fate = 'accepted') {
      for (const event of events) {
        const line = lines.get(event.id)
        if (line) line.sent += 1
        else lines.set(event.id, { event, fate, sent: 1, acknowledged: 0 })
      }
    },
    acknowledged(events) {
      for (const { id } of events) {
        const line = lines.get(id)
        if (!line) throw new Error(`${id} was acknowledged, and is not in the ledger`)
        line.acknowledged += 1
      }
    },
    discarded(events, why) {
      for (const { id } of events) discards.push({ id, why })
    },
    others(entries, acknowledged) {
      mostOthers += entries
      if (acknowledged) leastOthers += entries
    },
    get counts() {
      let acknowledged = leastOthers
      for (const line of lines.values()) if (line.acknowledged > 0) acknowledged += 1
      return { sent: lines.size + mostOthers, acknowledged, leastOthers, mostOthers }
    },
  }
}
