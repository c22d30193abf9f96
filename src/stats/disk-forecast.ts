/**
 * When the disk will be full, by how it filled so far; and whether a person should know. Pure: readings in, forecast out.
 * The events under way are not lost when it is full, Twilio retries for 4 hours; but those hours may be a night.
 */

/** Bytes that the bridge may write to, and bytes in all. */
export type DiskReading = { readonly at: number; readonly freeBytes: number; readonly sizeBytes: number }

export type DiskForecast = {
  /** Infinity while it does not fill. */
  readonly fullInSeconds: number
  readonly isLow: boolean
}

/** A shorter time says more about one burst than about the day. */
const LEAST_MS = 3_600_000
const LONGEST_MS = 6 * 3_600_000
const SOON_SECONDS = 24 * 3_600
/** Below this share a disk is low whatever the trend; but two gigabytes are enough to react on a large one. */
const LOW_SHARE = 0.05
const LOW_BYTES = 2 * 1_024 ** 3
/** A disk with so much room that fills quickly is mostly another program's passing work. */
const ROOMY_SHARE = 0.25

export type DiskTrend = {
  /** To be called about once a minute. */
  note(reading: DiskReading): DiskForecast
}

export function createDiskTrend(): DiskTrend {
  let readings: DiskReading[] = []
  return {
    note(reading) {
      // A clock set back, or another disk: what was measured before says nothing about it.
      readings = readings.filter(
        ({ at, sizeBytes }) =>
          at < reading.at && at >= reading.at - LONGEST_MS && sizeBytes === reading.sizeBytes,
      )
      const [first] = readings
      readings.push(reading)
      return toForecast(first, reading)
    },
  }
}

function toForecast(first: DiskReading | undefined, now: DiskReading): DiskForecast {
  const { freeBytes, sizeBytes } = now
  const ms = first ? now.at - first.at : 0
  const lostBytes = first ? first.freeBytes - freeBytes : 0
  const fullInSeconds =
    ms >= LEAST_MS && lostBytes > 0 ? (freeBytes * ms) / lostBytes / 1_000 : Number.POSITIVE_INFINITY
  const isSmall = freeBytes < Math.min(sizeBytes * LOW_SHARE, LOW_BYTES)
  const isFilling = fullInSeconds < SOON_SECONDS && freeBytes < sizeBytes * ROOMY_SHARE
  return { fullInSeconds, isLow: isSmall || isFilling }
}
