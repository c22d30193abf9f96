/** The disk of the data folder: measured once a minute, for `/metrics` and for a notice before it is full. */
import { statfsSync } from 'node:fs'
import { Gauge, Registry } from 'prom-client'
import type { Failure } from '../../alerts/throttle.ts'
import { createDiskTrend, type DiskReading } from '../../stats/disk-forecast.ts'
import type { MetricsJson } from '../../stats/metrics.ts'

const LOOK_EVERY_MS = 60_000
/** A disk that stays low is a notice now and then, and no news each minute. */
const REMIND_MS = 6 * 3_600_000

export type Disk = {
  metrics(): Promise<MetricsJson>
  stop(): void
}

export type DiskParts = {
  /** Throws when the disk does not answer. */
  readonly read: () => DiskReading
  readonly report: (failure: Failure) => void
}

export function readDisk(folder: string): DiskReading {
  const { bavail, bsize, blocks } = statfsSync(folder)
  return { at: Date.now(), freeBytes: bavail * bsize, sizeBytes: blocks * bsize }
}

export function watchDisk({ read, report }: DiskParts): Disk {
  const registry = new Registry()
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] })
  const free = gauge('bridge_disk_free_bytes', 'Room left on the disk of the data folder')
  const size = gauge('bridge_disk_size_bytes', 'Size of the disk of the data folder')
  const full = gauge(
    'bridge_disk_full_in_seconds',
    'When the disk will be full if it goes on filling as in the last hours; +Inf while it does not fill',
  )
  const trend = createDiskTrend()
  let toldAt = Number.NEGATIVE_INFINITY

  function look(): void {
    let reading: DiskReading
    try {
      reading = read()
    } catch {
      // A disk that does not answer is told of by the outbox.
      return
    }
    const { at, freeBytes, sizeBytes } = reading
    const { fullInSeconds, isLow } = trend.note(reading)
    free.set(freeBytes)
    size.set(sizeBytes)
    full.set(fullInSeconds)
    if (!isLow) toldAt = Number.NEGATIVE_INFINITY
    else if (at >= toldAt + REMIND_MS) {
      toldAt = at
      report({ reason: 'disk_low', at, count: 1, answer: describe(freeBytes, fullInSeconds) })
    }
  }

  look()
  const looking = setInterval(look, LOOK_EVERY_MS)
  return { metrics: () => registry.getMetricsAsJSON(), stop: () => clearInterval(looking) }
}

function describe(freeBytes: number, fullInSeconds: number): string {
  const left = `${Math.floor(freeBytes / 1_024 ** 2).toLocaleString('en-US')} MiB left`
  if (fullInSeconds === Number.POSITIVE_INFINITY) return left
  return `${left}, full in about ${Math.max(1, Math.round(fullInSeconds / 3_600))} h at this rate`
}
