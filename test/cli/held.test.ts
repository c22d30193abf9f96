/** `dead-letters … --held`: events that are held back, on a running bridge and on its folder alike. */
// @module-tag long
import { chmodSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stats } from '../../src/admin/figures.ts'
import { startBridge } from '../support/bridge.ts'
import { until } from '../support/patience.ts'
import { openWorkplace, type Workplace } from '../support/replay.ts'
import { type SegmentStandIn, startSegment } from '../support/segment.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const CULPRIT = "' OR 1=1"
const GOOD = 4

describe.each(['running', 'at rest'] as const)('a bridge %s', condition => {
  const culprits = ['delivered', 'delivered', 'sent'].map(type =>
    messageStatus({ type, data: { body: CULPRIT } }),
  )
  let place: Workplace
  let segment: SegmentStandIn
  let bridge: Awaited<ReturnType<typeof startBridge>>
  const list = async (...args: string[]): Promise<{ key: string; id: string }[]> =>
    (await place.deadLetters(['list', '--json', ...args])).out.map(line => JSON.parse(line))
  const untilStats = (fits: (stats: Stats) => boolean) =>
    until('the figures', async () => {
      const stats = await place.stats()
      return fits(stats) && stats
    })

  beforeAll(async () => {
    place = openWorkplace()
    segment = await startSegment()
    segment.fail({ kind: 'text', text: CULPRIT, bad: { kind: 'status', status: 403, body: 'blocked' } })
    const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: segment.url, DATA_DIR: place.dataDir }
    bridge = await startBridge(settings)
    await sendEvents(bridge.webhook, [...culprits, ...Array.from({ length: GOOD }, () => messageStatus())])
    await bridge.until(({ held, accepted }) => held === culprits.length && accepted === GOOD)
    if (condition === 'at rest') await bridge.stop()
  })
  afterAll(async () => {
    await bridge?.stop()
    await segment.close()
    place[Symbol.dispose]()
  })

  it('[DP53] [DX1] [DX100] list --held: they alone; without it they are no dead letters', async () => {
    const { out, code } = await place.deadLetters(['list', '--held'])
    expect([out.length, code]).toEqual([culprits.length + 1, 0])
    for (const line of out.slice(1)) expect(line).toMatch(/ pending +held_back /)
    expect((await list('--held')).map(({ id }) => id).toSorted()).toEqual(
      culprits.map(({ id }) => id).toSorted(),
    )
    expect(await list('--held', '--type', culprits[2]?.type ?? '')).toMatchObject([{ id: culprits[2]?.id }])
    expect(await list('--held', '--until', '1h')).toEqual([])
    expect(await list()).toEqual([])
    // `--state` names dead letters, which they are not.
    expect((await place.deadLetters(['list', '--state', 'held'])).code).not.toBe(0)
    for (const command of [['list'], ['drop', '--yes'], ['retry']]) {
      const { code, said } = await place.deadLetters([...command, '--held', '--state', 'rejected'])
      expect({ code, said }).toEqual({ code: 2, said: expect.stringContaining('exclude each other') })
    }
  })

  it('[DP51] [DX2] show: why, and each attempt with its answer', async () => {
    const [one] = await list('--held')
    const text = (await place.deadLetters(['show', one?.key ?? ''])).out.join('\n')
    expect(text).toContain('pending: held_back')
    expect(text).toContain('403')
    expect(text).toContain('blocked')
    expect(text).toContain(`"messageId": "${one?.id}"`)
  })

  it('[DP53] [DX3] retry --held: all of them are due at once; what fails again is held back again', async () => {
    const tried = segment.requests.length
    const run = await place.deadLetters(['retry', '--held', '--json'])
    expect(run).toMatchObject({ code: 0, said: expect.stringContaining('3 of 3 queued') })
    expect(run.json()).toEqual({ matched: 3, done: 3, left: [] })
    if (condition === 'running') await segment.waitFor(({ requests }) => requests.length >= tried + 3)
    expect(await untilStats(({ held }) => held === 3)).toMatchObject({ pending: 3, accepted: GOOD })
  })

  it('[DP53] [DX5] edit: corrected, an event held back takes its own place and goes', async () => {
    const [one] = await list('--held')
    const editor = place.file('editor.sh', `#!/bin/sh\nsed -i "s/' OR 1=1/mended/" "$1"\n`)
    chmodSync(editor, 0o755)
    const before = await place.stats()
    const run = await place.deadLetters(['edit', one?.key ?? ''], { environment: { EDITOR: editor } })
    expect(run).toMatchObject({ code: 0, said: `${one?.id} waits for delivery, corrected.` })
    const after = await untilStats(
      ({ held, accepted }) => held === 2 && (condition === 'at rest' || accepted === GOOD + 1),
    )
    expect(after.received).toBe(before.received)
    if (condition === 'running')
      expect(segment.events.find(({ messageId }) => messageId === one?.id)).toMatchObject({
        properties: { body: 'mended' },
      })
  })

  it('[DP53] [DX4] drop --held asks, and leaves everything else alone', async () => {
    const before = await place.stats()
    expect(await place.deadLetters(['drop', '--held'], { answer: 'n' })).toMatchObject({
      code: 1,
      said: expect.stringContaining('Drop 2'),
    })
    expect((await place.stats()).held).toBe(2)
    expect(await place.deadLetters(['drop', '--held', '--yes'])).toMatchObject({
      code: 0,
      said: expect.stringContaining('2 of 2 dropped'),
    })
    expect(await place.stats()).toMatchObject({
      ...{ received: before.received, accepted: before.accepted, pending: before.pending - 2 },
      ...{ held: 0, skipped: before.skipped + 2 },
    })
    expect(await list('--held')).toEqual([])
  })
})
