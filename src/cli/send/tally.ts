/** What became of what was sent: counted while it goes, told as a table at the end. No I/O. */
import type { Answer, Posted } from './post.ts'

/** Enough for a p99; a load of hours must not fill the memory. */
const LATENCIES_KEPT = 100_000

export type Summary = {
  readonly sent: number
  readonly duplicates: number
  readonly acknowledged: number
  readonly lost: number
  readonly givenUp: number
  readonly waiting: number
  readonly requests: number
  readonly retries: number
  /** Requests by answer: a status, or why there was none. */
  readonly answers: Readonly<Record<string, number>>
  /** Of the requests that were acknowledged, their last try. */
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number } | null
  readonly seconds: number
}

export type Tally = {
  sent(events: number, duplicates: number): void
  /** True when nothing like it was answered before. */
  answered(answer: Answer): boolean
  settled(events: number, posted: Posted): void
  /** For while it goes: sorts no latencies. */
  counts(): Omit<Summary, 'latencyMs'>
  summary(): Summary
}

export function createTally(now: () => number, random: () => number): Tally {
  const startedAt = now()
  const counts = { sent: 0, duplicates: 0, acknowledged: 0, lost: 0, givenUp: 0, requests: 0, retries: 0 }
  const answers: Record<string, number> = {}
  const latencies: number[] = []
  let seen = 0
  let maxMs = 0

  function keep(ms: number): void {
    seen += 1
    maxMs = Math.max(maxMs, ms)
    const place = latencies.length < LATENCIES_KEPT ? latencies.length : Math.floor(random() * seen)
    if (place < LATENCIES_KEPT) latencies[place] = ms
  }

  function currently(): Omit<Summary, 'latencyMs'> {
    const { sent, acknowledged, lost, givenUp } = counts
    const waiting = sent - acknowledged - lost - givenUp
    return { ...counts, waiting, answers: { ...answers }, seconds: (now() - startedAt) / 1_000 }
  }

  return {
    sent(events, duplicates) {
      counts.requests += 1
      counts.sent += events
      counts.duplicates += duplicates
    },
    answered({ status, text }) {
      const name = status === undefined ? text : String(status)
      answers[name] = (answers[name] ?? 0) + 1
      return answers[name] === 1
    },
    settled(events, { fate, last, retries }) {
      counts.retries += retries
      counts[fate === 'given up' ? 'givenUp' : fate] += events
      if (fate === 'acknowledged') keep(last.tookMs)
    },
    counts: currently,
    summary() {
      const sorted = latencies.toSorted((a, b) => a - b)
      const at = (share: number) =>
        sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
      const latencyMs = seen === 0 ? null : { p50: at(0.5), p99: at(0.99), max: maxMs }
      return { ...currently(), latencyMs }
    },
  }
}

export function toTable(summary: Summary): string[] {
  const { sent, duplicates, acknowledged, lost, givenUp, requests, retries, answers, latencyMs, seconds } =
    summary
  const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
  const rows: readonly (readonly [string, string])[] = [
    [
      'sent',
      `${number(sent)} in ${number(requests)} request${requests === 1 ? '' : 's'}${duplicates > 0 ? `, ${number(duplicates)} of them a second time` : ''}`,
    ],
    [
      'acknowledged',
      `${number(acknowledged)} (${number(Math.round(acknowledged / Math.max(seconds, 0.001)))}/s)`,
    ],
    ['lost', `${number(lost)}${lost > 0 ? ' (4xx: Twilio discards them)' : ''}`],
    ...(givenUp > 0 ? [['given up', `${number(givenUp)} (Twilio would try them again)`] as const] : []),
    ['retries', number(retries)],
    [
      'answers',
      Object.entries(answers)
        .map(([answer, n]) => `${answer}: ${number(n)}`)
        .join(', ') || 'none',
    ],
    [
      'latency',
      latencyMs ? `p50 ${ms(latencyMs.p50)}, p99 ${ms(latencyMs.p99)}, max ${ms(latencyMs.max)}` : 'none',
    ],
  ]
  return rows.map(([name, value]) => `${name.padEnd(13)} ${value}`)
}

export function number(value: number): string {
  return value.toLocaleString('en-US')
}
