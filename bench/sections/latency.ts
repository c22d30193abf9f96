/** How long Twilio waits at half the highest rate, and how long an event is on its way to Segment at an everyday one. */
import { type Bench, type Spread, toSpread } from '../bench.ts'
import { type LoadResult, toPercentiles } from '../load/run.ts'
import { measure } from '../measure.ts'
import { blog, bridge, type Contender, queue } from '../servers.ts'
import { type Throughput, toRequests } from './throughput.ts'

const CONNECTIONS = 64
const SECONDS = 8
/** Times the warm-up of the others: at half the rate the compiler of V8 is at work for longer, on the same core. */
const WARM_UPS = 3
const EVERYDAY = 500
const EVERYDAY_BATCHES = [1, 10]
const BURST_CONNECTIONS = 32
const ID_FROM = 2
const NUMBER_DIGITS = 8

type Row = { readonly letter: string; readonly batch: number; readonly eventsPerSecond: number }
/** `p50Ms`: the median of the rounds; `mostMs`: of all. */
export type HalfLoad = Row & { readonly p50Ms: number; readonly p99Ms: Spread; readonly mostMs: number }
export type Journey = Row & {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly mostMs: number
  readonly arrived: number
  readonly sent: number
}
export type Latency = {
  readonly title: string
  readonly rounds: number
  /** Of the answer Twilio waits for, at half of each server's own highest rate; rounds alternate. */
  readonly halfLoad: readonly HalfLoad[]
  /** From the moment a request is due until Segment has answered 2xx to a body that holds its event. */
  readonly journeys: readonly Journey[]
}

export async function measureLatency(bench: Bench, throughput: Throughput | undefined): Promise<Latency> {
  const halfLoad: HalfLoad[] = []
  for (const batch of bench.sizes.batches) {
    const rates = new Map<Contender, number>()
    const found = new Map<Contender, LoadResult[]>()
    for (const contender of [bridge, blog]) {
      const known = throughput?.rows.find(row => row.batch === batch && row.key === contender.key)
      const highest = known?.eventsPerSecond.median ?? (await findHighest(bench, contender, batch))
      rates.set(contender, highest / 2)
      found.set(contender, [])
    }
    for (let round = 0; round < bench.sizes.rounds; round++) {
      for (const [contender, rate] of rates) {
        bench.say(
          `batches of ${batch}, round ${round + 1} of ${bench.sizes.rounds}: (${contender.letter}) at ${Math.round(rate)} events/s`,
        )
        found.get(contender)?.push(await atRate(bench, contender, batch, rate))
      }
    }
    for (const [{ letter }, loads] of found) {
      const latencies = loads.map(({ latencyMs }) => latencyMs)
      halfLoad.push({
        letter,
        batch,
        eventsPerSecond: toSpread(loads.map(({ eventsPerSecond }) => eventsPerSecond)).median,
        p50Ms: toSpread(latencies.map(({ p50 }) => p50)).median,
        p99Ms: toSpread(latencies.map(({ p99 }) => p99)),
        mostMs: Math.max(...latencies.map(({ most }) => most)),
      })
    }
  }
  const journeys: Journey[] = []
  for (const batch of EVERYDAY_BATCHES) {
    for (const contender of [bridge, blog, ...(bench.machine.redis ? [queue] : [])]) {
      journeys.push(await follow(bench, contender, batch))
    }
  }
  return { title: 'Latency', rounds: bench.sizes.rounds, halfLoad, journeys }
}

async function findHighest(bench: Bench, contender: Contender, batch: number): Promise<number> {
  bench.say(`batches of ${batch}: the highest rate of (${contender.letter})`)
  const { seconds, warmUpSeconds } = bench.sizes
  await bench.loader.prepare(toRequests(batch, seconds + warmUpSeconds), batch)
  const order = { connections: BURST_CONNECTIONS, seconds, warmUpSeconds }
  const { load } = await measure(bench, unsent(contender), order)
  return load.eventsPerSecond
}

async function atRate(
  bench: Bench,
  contender: Contender,
  batch: number,
  eventsPerSecond: number,
): Promise<LoadResult> {
  const warmUpSeconds = WARM_UPS * bench.sizes.warmUpSeconds
  await bench.loader.prepare(Math.ceil((eventsPerSecond / batch) * (SECONDS + warmUpSeconds)), batch)
  const order = { connections: CONNECTIONS, seconds: SECONDS, warmUpSeconds, eventsPerSecond }
  const { load } = await measure(bench, unsent(contender), order)
  return load
}

/** Nobody waits until Segment has all of it: that is minutes, and only the answers count here. */
function unsent(contender: Contender): Contender {
  return { ...contender, forwards: false }
}

async function follow(bench: Bench, contender: Contender, batch: number): Promise<Journey> {
  bench.say(
    `(${contender.letter}) from the webhook to Segment at ${EVERYDAY} events/s in batches of ${batch}`,
  )
  const { warmUpSeconds } = bench.sizes
  await bench.loader.prepare(Math.ceil((EVERYDAY / batch) * (SECONDS + warmUpSeconds)), batch)
  const order = {
    connections: CONNECTIONS,
    seconds: SECONDS,
    warmUpSeconds,
    eventsPerSecond: EVERYDAY,
    keepsTimes: true,
  }
  const { load } = await measure(bench, contender, order, { keepsTimes: true })
  const took: number[] = []
  for (const [id, at] of await bench.sink.times()) {
    const number = Number.parseInt(id.slice(ID_FROM, ID_FROM + NUMBER_DIGITS), 16)
    const sentAt = load.sentAt?.[number] ?? Number.NaN
    if (!Number.isNaN(sentAt)) took.push(at - sentAt)
  }
  const sent = (load.sentAt?.filter(at => !Number.isNaN(at)).length ?? 0) * batch
  const { p50, p99, most } = toPercentiles(took)
  return {
    letter: contender.letter,
    batch,
    eventsPerSecond: EVERYDAY,
    p50Ms: p50,
    p99Ms: p99,
    mostMs: most,
    arrived: took.length,
    sent,
  }
}
