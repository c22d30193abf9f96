/** How long Twilio waits at half the highest rate, and how long an event is on its way to Segment at an everyday one. */
import type { Bench } from '../bench.ts'
import { toPercentiles } from '../load/run.ts'
import { measure } from '../measure.ts'
import { blog, bridge, type Contender, queue } from '../servers.ts'
import { type Throughput, toRequests, toWarmUp } from './throughput.ts'

const CONNECTIONS = 64
const SECONDS = 8
const EVERYDAY = 500
const EVERYDAY_BATCHES = [1, 10]
const BURST_CONNECTIONS = 32
const ID_FROM = 2
const NUMBER_DIGITS = 8

export type HalfLoad = {
  readonly letter: string
  readonly batch: number
  readonly eventsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly mostMs: number
}
export type Journey = HalfLoad & { readonly arrived: number; readonly sent: number }
export type Latency = {
  readonly title: string
  /** Of the answer Twilio waits for, at half of each server's own highest rate. */
  readonly halfLoad: readonly HalfLoad[]
  /** From the moment a request is due until Segment has answered 2xx to a body that holds its event. */
  readonly journeys: readonly Journey[]
}

export async function measureLatency(bench: Bench, throughput: Throughput | undefined): Promise<Latency> {
  const halfLoad: HalfLoad[] = []
  for (const batch of bench.sizes.batches) {
    for (const contender of [bridge, blog]) {
      const known = throughput?.rows.find(row => row.batch === batch && row.key === contender.key)
      const highest = known?.eventsPerSecond.median ?? (await findHighest(bench, contender, batch))
      halfLoad.push(await atRate(bench, contender, batch, highest / 2))
    }
  }
  const journeys: Journey[] = []
  for (const batch of EVERYDAY_BATCHES) {
    for (const contender of [bridge, blog, ...(bench.machine.redis ? [queue] : [])]) {
      journeys.push(await follow(bench, contender, batch))
    }
  }
  return { title: 'Latency', halfLoad, journeys }
}

async function findHighest(bench: Bench, contender: Contender, batch: number): Promise<number> {
  bench.say(`batches of ${batch}: the highest rate of (${contender.letter})`)
  const { seconds } = bench.sizes
  const warmUpSeconds = toWarmUp(batch, bench.sizes.warmUpSeconds)
  await bench.loader.prepare(toRequests(batch, seconds + warmUpSeconds), batch)
  const { load } = await measure(bench, contender, { connections: BURST_CONNECTIONS, seconds, warmUpSeconds })
  return load.eventsPerSecond
}

async function atRate(
  bench: Bench,
  contender: Contender,
  batch: number,
  eventsPerSecond: number,
): Promise<HalfLoad> {
  const { warmUpSeconds } = bench.sizes
  bench.say(`batches of ${batch}: (${contender.letter}) at ${Math.round(eventsPerSecond)} events/s`)
  await bench.loader.prepare(Math.ceil((eventsPerSecond / batch) * (SECONDS + warmUpSeconds)), batch)
  const order = { connections: CONNECTIONS, seconds: SECONDS, warmUpSeconds, eventsPerSecond }
  const { load } = await measure(bench, contender, order)
  const { p50, p99, most } = load.latencyMs
  return { letter: contender.letter, batch, eventsPerSecond, p50Ms: p50, p99Ms: p99, mostMs: most }
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
