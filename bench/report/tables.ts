/** Each section's results → a table, and what else there is to say. */
import type { SectionName } from '../arguments.ts'
import type { Spread } from '../bench.ts'
import type { Results } from '../sections.ts'
import { type Table, toFigure, toTimes, toWhole } from './table.ts'

export type Told = {
  readonly title: string
  readonly tables: readonly Table[]
  readonly notes: readonly string[]
}

export const tellers: { readonly [Name in SectionName]: (results: Results) => Told | undefined } = {
  throughput({ throughput }) {
    if (!throughput) return undefined
    const { title, rows, contenders, notes, rounds, seconds } = throughput
    const heads = [
      ...['batch', '', 'events/s', 'spread', 'to (c)', 'to (a)', 'p50 ms', 'p99 ms'],
      ...['CPU µs/event', 'to Segment', 'of (c)', 'peak MB', 'all sent s'],
    ]
    const cells = rows.map(row => [
      String(row.batch),
      `(${row.letter})`,
      toWhole(row.eventsPerSecond.median),
      toSpread(row.eventsPerSecond),
      toTimes(row.toBlog),
      toTimes(row.toFloor),
      toFigure(row.p50Ms),
      toFigure(row.p99Ms),
      toFigure(row.intakeCpuMicros),
      isSent(row) ? toFigure(row.cpuMicros) : '–',
      isSent(row) ? toTimes(row.cpuToBlog) : '–',
      toWhole(row.peakMegabytes),
      toFigure(row.drainedSeconds),
    ])
    return {
      title,
      tables: [{ heads, rows: cells }],
      notes: [
        ...contenders.map(({ letter, title }) => `(${letter}) ${title}`),
        `Median and spread of ${rounds} rounds of ${seconds} s, 32 connections. "CPU" counts until the last answer, "to Segment" until Segment has every event, "of (c)" as a ratio to the naive relay; "all sent" from the first request on.`,
        ...notes,
      ],
    }
  },

  latency({ latency }) {
    if (!latency) return undefined
    const { title, halfLoad, journeys, rounds } = latency
    const answers = halfLoad.map(row => [
      `(${row.letter}) answer, at half its highest rate`,
      String(row.batch),
      toWhole(row.eventsPerSecond),
      toFigure(row.p50Ms),
      toFigure(row.p99Ms.median),
      toSpread(row.p99Ms),
      toFigure(row.mostMs),
    ])
    const arrivals = journeys.map(row => [
      `(${row.letter}) webhook to Segment's 2xx`,
      String(row.batch),
      toWhole(row.eventsPerSecond),
      toFigure(row.p50Ms),
      toFigure(row.p99Ms),
      toFigure(row.mostMs),
    ])
    const lost = journeys.filter(({ arrived, sent }) => arrived < sent)
    return {
      title,
      tables: [
        {
          heads: ['', 'batch', 'events/s', 'p50 ms', 'p99 ms', 'spread', 'most ms'],
          rows: answers,
        },
        { heads: ['', 'batch', 'events/s', 'p50 ms', 'p99 ms', 'most ms'], rows: arrivals },
      ],
      notes: [
        `Answers: median and spread of ${rounds} alternating rounds of 8 s, 64 connections.`,
        ...lost.map(
          ({ letter, batch, arrived, sent }) =>
            `(${letter}) at ${batch}: ${arrived} of ${sent} events reached Segment within the time.`,
        ),
      ],
    }
  },

  sustained({ sustained }) {
    if (!sustained) return undefined
    const heads = [
      'events/s',
      'minutes',
      'of a core',
      'CPU µs/event',
      'p50 ms',
      'p99 ms',
      'worst minute',
      'peak MB',
    ]
    const { minutes, eventsPerSecond, coreShare, cpuMicros, p50Ms, p99Ms, worstP99Ms, missing } = sustained
    const cells = [
      toWhole(eventsPerSecond),
      String(minutes),
      `${Math.round(coreShare * 100)} %`,
      toFigure(cpuMicros),
      toFigure(p50Ms),
      toFigure(p99Ms),
      toFigure(worstP99Ms),
      toWhole(sustained.peakMegabytes),
    ]
    const notes = ['One event a request at the default settings, deliveries included.']
    if (missing > 0) notes.push(`${toWhole(missing)} events were not at Segment two minutes after the end.`)
    return { title: sustained.title, tables: [{ heads, rows: [cells] }], notes }
  },

  drain({ drain }) {
    if (!drain) return undefined
    const heads = ['events waiting', 'events/s', 'spread', 'CPU µs/event', 'events a request']
    const { events, eventsPerSecond, cpuMicros, eventsARequest } = drain
    const cells = [
      toWhole(events),
      toWhole(eventsPerSecond.median),
      toSpread(eventsPerSecond),
      toFigure(cpuMicros),
      toWhole(eventsARequest),
    ]
    return { title: drain.title, tables: [{ heads, rows: [cells] }], notes: [] }
  },

  mapping({ mapping }) {
    if (!mapping) return undefined
    const heads = ['stream', 'judge µs/event', 'spread', 'map µs/event', 'spread', 'sent']
    const rows = mapping.rows.map(({ stream, judgeMicros, mapMicros, sentShare }) => [
      stream,
      toFigure(judgeMicros.median),
      toSpread(judgeMicros),
      toFigure(mapMicros.median),
      toSpread(mapMicros),
      `${Math.round(sentShare * 100)} %`,
    ])
    return { title: mapping.title, tables: [{ heads, rows }], notes: [] }
  },

  memory({ memory }) {
    if (!memory) return undefined
    const heads = ['', 'peak MB', 'at its end MB']
    const rows = memory.rows.map(row => [
      row.what,
      toWhole(row.peakMegabytes),
      toWhole(row.residentMegabytes),
    ])
    return { title: memory.title, tables: [{ heads, rows }], notes: [] }
  },

  rows({ rows: found }) {
    if (!found) return undefined
    const heads = ['stored events', 'CPU µs/event', 'spread', 'prefilled in s']
    const rows = found.rows.map(row => [
      toWhole(row.stored),
      toFigure(row.cpuMicros.median),
      toSpread(row.cpuMicros),
      toFigure(row.prefillSeconds),
    ])
    const notes = [
      `From intake to Segment's 2xx, at ${toWhole(found.eventsPerSecond)} events/s in batches of 10; the second row costs ${toTimes(found.ratio)} the first.`,
    ]
    return { title: found.title, tables: [{ heads, rows }], notes }
  },

  page({ page }) {
    if (!page) return undefined
    const heads = ['asked by turns, one a second', 'answered', 'p50 ms', 'most ms']
    const rows = page.readings.map(({ path, status, p50Ms, mostMs }) => [
      path,
      status === 0 ? '–' : String(status),
      toFigure(p50Ms),
      toFigure(mostMs),
    ])
    const notes = [
      `${toWhole(page.stored)} stored events. Intake in batches of 10: ${toWhole(page.alone.median)} events/s alone, ${toWhole(page.watched.median)} watched: ${toTimes(page.ratio)}.`,
    ]
    return { title: page.title, tables: [{ heads, rows }], notes }
  },

  workers({ workers }) {
    if (!workers) return undefined
    const heads = [
      'events a request',
      'CPU ms',
      'Worker requests',
      'object requests',
      'rows written',
      'a million costs',
    ]
    const rows = workers.rows.map(row => [
      String(row.batch),
      row.cpuMs.toFixed(2),
      row.workerRequests.toFixed(3),
      row.objectRequests.toFixed(3),
      row.rowsWritten.toFixed(2),
      `$${row.millionDollars.toFixed(2)}`,
    ])
    return { title: workers.title, tables: [{ heads, rows }], notes: workers.notes }
  },
}

const isSent = ({ key }: { readonly key: string }) => key !== 'floor' && key !== 'paced'

function toSpread({ least, most }: Spread): string {
  return `${toWhole(least)}–${toWhole(most)}`
}
