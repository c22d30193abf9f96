/** The disk before it is full: the forecast, and who hears of it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { toNotice } from '../../../src/alerts/notice.ts'
import { calm, type Failure, record, take } from '../../../src/alerts/throttle.ts'
import { watchDisk } from '../../../src/hosts/node/disk.ts'
import { reasons } from '../../../src/reasons.ts'
import { createDiskTrend } from '../../../src/stats/disk-forecast.ts'

const GIB = 1_024 ** 3
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 10, 29)

/** One reading a minute; `freeAt`: bytes, by hours since the start. The last forecast. */
function follow(hours: number, freeAt: (hour: number) => number, sizeBytes = 100 * GIB) {
  const trend = createDiskTrend()
  let last = { fullInSeconds: Number.NaN, isLow: false }
  for (let at = START; at <= START + hours * HOUR; at += MINUTE)
    last = trend.note({ at, freeBytes: freeAt((at - START) / HOUR), sizeBytes })
  return last
}

describe('the forecast', () => {
  it('[ME204] is the time that is left at the rate of the last hours, and none while the disk does not fill', () => {
    const { fullInSeconds, isLow } = follow(2, hour => (20 - hour) * GIB)
    expect(fullInSeconds / 3_600).toBeCloseTo(18)
    expect(isLow).toBe(true)
    expect(follow(2, () => 20 * GIB)).toEqual({ fullInSeconds: Number.POSITIVE_INFINITY, isLow: false })
    expect(follow(2, hour => (20 + hour) * GIB).fullInSeconds).toBe(Number.POSITIVE_INFINITY)
  })

  it('[ME204] waits for an hour of readings, and forgets what is older than six', () => {
    expect(follow(0.9, hour => (20 - 5 * hour) * GIB).fullInSeconds).toBe(Number.POSITIVE_INFINITY)
    const levelled = follow(12, hour => (hour < 3 ? 20 - hour : 17) * GIB)
    expect(levelled.fullInSeconds).toBe(Number.POSITIVE_INFINITY)
  })

  it('[NT201] a disk with much room is not low, however it fills; one almost full is, whatever the trend', () => {
    expect(follow(2, hour => (80 - 10 * hour) * GIB).isLow).toBe(false)
    expect(follow(0, () => 1.9 * GIB).isLow).toBe(true)
    expect(follow(0, () => 2.1 * GIB).isLow, 'two gigabytes are enough on a large disk').toBe(false)
    expect(follow(0, () => 0.4 * GIB, 10 * GIB).isLow).toBe(true)
    expect(follow(0, () => 0.6 * GIB, 10 * GIB).isLow).toBe(false)
  })

  it('[ME204] begins anew when the clock is set back or the disk is another one', () => {
    const trend = createDiskTrend()
    trend.note({ at: START, freeBytes: 20 * GIB, sizeBytes: 100 * GIB })
    const back = trend.note({ at: START - 2 * HOUR, freeBytes: 10 * GIB, sizeBytes: 100 * GIB })
    expect(back.fullInSeconds).toBe(Number.POSITIVE_INFINITY)
    const other = trend.note({ at: START + HOUR, freeBytes: GIB * 9, sizeBytes: 50 * GIB })
    expect(other.fullInSeconds).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('who watches the disk', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function watch(freeBytes = 50 * GIB) {
    const state = { at: START, freeBytes, sizeBytes: 100 * GIB }
    const reports: Failure[] = []
    let answers = true
    const disk = watchDisk({
      read() {
        if (!answers) throw new Error('EIO')
        return { ...state }
      },
      report: failure => void reports.push(failure),
    })
    function pass(minutes: number): void {
      for (let minute = 0; minute < minutes; minute++) {
        state.at += MINUTE
        vi.advanceTimersByTime(MINUTE)
      }
    }
    return { state, reports, disk, pass, silence: () => (answers = false) }
  }

  it('[NT201] reports a low disk at once, again six hours later, and anew after there was room', () => {
    const { state, reports, disk, pass } = watch()
    pass(10)
    expect(reports).toEqual([])
    state.freeBytes = GIB
    pass(1)
    expect(reports).toMatchObject([{ reason: 'disk_low', answer: '1,024 MiB left' }])
    pass(5 * 60)
    expect(reports).toHaveLength(1)
    pass(61)
    expect(reports).toHaveLength(2)
    state.freeBytes = 50 * GIB
    pass(1)
    state.freeBytes = GIB
    pass(1)
    expect(reports).toHaveLength(3)
    disk.stop()
    pass(7 * 60)
    expect(reports).toHaveLength(3)
  })

  it('[NT201] is not disturbed by a disk that does not answer', () => {
    const { reports, disk, pass, silence } = watch()
    silence()
    pass(3)
    expect(reports).toEqual([])
    disk.stop()
  })

  it('[NT201] the notice says what to do, how much is left and for how long', () => {
    const { state, reports, disk, pass } = watch(24 * GIB)
    for (let minute = 0; minute < 120; minute++) {
      state.freeBytes -= GIB / 60
      pass(1)
    }
    disk.stop()
    const [failure] = reports
    if (!failure) throw new Error('nothing was reported')
    const { digest } = take(record(calm, failure), failure.at, 20 * MINUTE)
    if (!digest) throw new Error('nothing was told')
    const notice = toNotice(digest, {
      component: 'outbox',
      sid: `NO${'0'.repeat(32)}`,
      accountSid: `AC${'0'.repeat(32)}`,
      sinkSid: `DG${'0'.repeat(32)}`,
      now: failure.at,
      waiting: 0,
      waitingSince: undefined,
    })
    expect(notice.level).toBe('Warning')
    expect(notice.payload.message).toMatch(
      /^Free space .* The disk of the data folder is nearly full: [\d,]+ MiB left, full in about 2\d h at this rate\. 1 measurement of the disk was low since .* UTC, no event waits\.$/,
    )
    expect(notice.payload.message.startsWith(reasons.disk_low.remedy)).toBe(true)
  })
})
