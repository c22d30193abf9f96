/**
 * One run of load. Without a rate every connection sends its next request when it has its answer; with one, requests go
 * out when they are due, whatever became of the last, and the wait for a free connection counts as latency.
 */
import { monotonicMs } from '../clock.ts'
import { type Connection, openConnection } from './connection.ts'
import type { Requests } from './requests.ts'

export type LoadOrder = {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** Before the clock starts; its events count in `acknowledgedInAll` only. */
  readonly warmUpSeconds: number
  readonly eventsPerSecond?: number | undefined
  /** Go on behind the last request sent, and not at the first one again. */
  readonly continues?: boolean
  readonly keepsTimes?: boolean
}

export type LoadResult = {
  /** Events a second that were answered 2xx after the warm-up. */
  readonly eventsPerSecond: number
  readonly acknowledgedInAll: number
  readonly failures: Readonly<Record<number, number>>
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly most: number }
  readonly startedAt: number
  readonly endedAt: number
  /** The loader's own share of its core, warm-up included. */
  readonly loaderShare: number
  /** The prepared requests were used up before the time was. */
  readonly ranDry: boolean
  /** When each request went out, by its number; NaN for those not sent after the warm-up. */
  readonly sentAt: Float64Array | undefined
}

const ANSWERS_WITHIN_MS = 30_000
const MOST_CONNECTIONS = 512
/** Requests that may go down with a connection that the server ends just then. */
const MOST_CUT = 200

export async function runLoad(
  requests: Requests,
  order: LoadOrder,
  first: number,
): Promise<LoadResult & { next: number }> {
  const { port, seconds, warmUpSeconds, eventsPerSecond, keepsTimes } = order
  const { bytes, batch } = requests
  const failures: Record<number, number> = {}
  const latencies: number[] = []
  const sentAt = keepsTimes ? new Float64Array(bytes.length).fill(Number.NaN) : undefined
  let next = first
  let underWay = 0
  let answeredInTime = 0
  let answeredInAll = 0
  let trouble: Error | undefined
  let settle = () => {}
  const settled = new Promise<void>(resolve => {
    settle = resolve
  })
  const fail = (error: Error): void => {
    trouble ??= error
    settle()
  }
  const pool: Connection[] = Array.from({ length: order.connections }, () => openConnection(port))
  const idle = [...pool]
  const cpuStart = process.cpuUsage()
  const start = monotonicMs()
  const from = start + warmUpSeconds * 1_000
  const until = from + seconds * 1_000

  function send(connection: Connection, dueAt: number, then: () => void): void {
    const number = next++
    const request = bytes[number]
    if (!request) return
    underWay += 1
    if (sentAt && dueAt >= from) sentAt[number] = dueAt
    connection.send(request, status => {
      const now = monotonicMs()
      underWay -= 1
      if (status >= 200 && status < 300) {
        answeredInAll += 1
        if (now >= from && now < until) answeredInTime += 1
        if (dueAt >= from) latencies.push(now - dueAt)
      } else {
        failures[status] = (failures[status] ?? 0) + 1
        if ((failures[0] ?? 0) > MOST_CUT) fail(new Error('the server ends its connections'))
      }
      then()
    })
  }

  const isOver = (now: number) => now >= until || next >= bytes.length || trouble !== undefined

  function keepBusy(connection: Connection): void {
    const now = monotonicMs()
    if (!isOver(now)) {
      const open = connection.isOpen ? connection : grow()
      send(open, now, () => keepBusy(open))
    } else if (underWay === 0) settle()
  }

  function keepPace(requestsPerMs: number): void {
    const now = monotonicMs()
    const due = Math.min(bytes.length - first, Math.floor((Math.min(now, until) - start) * requestsPerMs))
    while (next - first < due) {
      const dueAt = start + (next - first + 1) / requestsPerMs
      const connection = takeIdle()
      if (!connection) break
      send(connection, dueAt, () => idle.push(connection))
    }
    if (!isOver(now)) setTimeout(keepPace, 1, requestsPerMs)
    else if (underWay === 0) settle()
    else setTimeout(keepPace, 1, requestsPerMs)
  }

  function takeIdle(): Connection | undefined {
    for (let connection = idle.pop(); connection; connection = idle.pop()) {
      if (connection.isOpen) return connection
    }
    return underWay < MOST_CONNECTIONS ? grow() : undefined
  }

  function grow(): Connection {
    const connection = openConnection(port)
    pool.push(connection)
    return connection
  }

  if (eventsPerSecond === undefined) for (const connection of pool) keepBusy(connection)
  else keepPace(eventsPerSecond / batch / 1_000)
  const late = setTimeout(
    () => fail(new Error('the server left requests without an answer')),
    (warmUpSeconds + seconds) * 1_000 + ANSWERS_WITHIN_MS,
  )
  await settled
  clearTimeout(late)
  for (const connection of pool) connection.close()
  if (trouble) throw trouble
  const endedAt = monotonicMs()
  const { user, system } = process.cpuUsage(cpuStart)
  return {
    eventsPerSecond: (answeredInTime * batch * 1_000) / Math.max(1, Math.min(endedAt, until) - from),
    acknowledgedInAll: answeredInAll * batch,
    failures,
    latencyMs: toPercentiles(latencies),
    startedAt: start,
    endedAt,
    loaderShare: (user + system) / 1_000 / (endedAt - start),
    ranDry: next >= bytes.length,
    sentAt,
    next,
  }
}

export function toPercentiles(values: readonly number[]): { p50: number; p99: number; most: number } {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), most: at(1) }
}
