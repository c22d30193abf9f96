/** An import of any size is cut into slices: none holds up the webhook, none is more than a moment's work or a megabyte. */
// @module-tag long
import { describe, expect, it } from 'vitest'
import { asDefault } from '../../src/event/mapping.ts'
import { createTransferApi } from '../../src/http/transfer-routes.ts'
import { startBridge } from '../support/bridge.ts'
import { toNdjson } from '../support/replay.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const many = (n: number) => Array.from({ length: n }, () => messageStatus())

/** What the routes hand on, and whether the host had a turn since. */
function createRecorder() {
  const slices: { events: number; characters: number; hadTurn: boolean }[] = []
  let turns = 0
  const count = setInterval(() => (turns += 1), 0)
  const api = createTransferApi(
    {
      destinationNames: () => [],
      exportPage: async () => ({ stored: false, reason: 'outbox_unwritable', detail: '' }),
      async import(intakes) {
        const events = intakes.flatMap(({ entries }) => entries).length
        const characters = intakes.reduce((sum, { body }) => sum + body.length, 0)
        slices.push({ events, characters, hadTurn: turns > 0 })
        turns = 0
        // As an answer from another thread, or another object, comes.
        await new Promise(resolve => setTimeout(resolve, 1))
        return { stored: events, pending: events, skipped: 0, duplicates: 0, again: 0 }
      },
    },
    asDefault,
  )
  const post = async (body: string) => {
    const response = await api.request('/import', { method: 'POST', body })
    return { status: response.status, answer: await response.json() }
  }
  return { slices, post, [Symbol.dispose]: () => clearInterval(count) }
}

describe('[EX130] A10, W10: an import goes slice by slice, on any host', () => {
  it.each([
    ['an array', (texts: string[]) => `[${texts.join(',')}]`],
    ['an array, pretty-printed', (texts: string[]) => ` [\n ${texts.join(' ,\r\n ')}\n]\n`],
    ['NDJSON', (texts: string[]) => `${texts.join('\n')}\n`],
  ])('%s of 8 MB: no slice over 1,000 events or 1 MB, and a turn before each', async (_, toBody) => {
    using recorder = createRecorder()
    const texts = Array.from({ length: 12_000 }, (_, n) =>
      JSON.stringify({ ...messageStatus(), n, more: ['],[', '}{'] }),
    )
    expect(await recorder.post(toBody(texts))).toEqual({
      status: 200,
      answer: expect.objectContaining({ received: 12_000, stored: 12_000, pending: 12_000, rejected: 0 }),
    })
    expect(recorder.slices.length).toBeGreaterThan(10)
    for (const { events, characters, hadTurn } of recorder.slices) {
      expect(events).toBeLessThanOrEqual(1_000)
      expect(characters).toBeLessThanOrEqual(1.1e6)
      expect(hadTurn).toBe(true)
    }
  })

  it('nothing is imported of a body that is over the cap, or no JSON to its end', async () => {
    using recorder = createRecorder()
    const tooMany = `[${'0,'.repeat(500_000)}0]`
    expect(await recorder.post(tooMany)).toEqual({
      status: 413,
      answer: { error: 'body_too_large', message: 'At most 16 MiB and 50000 events a request' },
    })
    const texts = many(3_000)
      .map(event => JSON.stringify(event))
      .join(',')
    for (const body of [
      `[${texts}`,
      `[${texts},]`,
      `[${texts}]]`,
      `[${texts}] x`,
      `[,${texts}]`,
      `[${texts} {}]`,
      '[',
      `${texts}\n`,
    ])
      expect((await recorder.post(body)).status, body.slice(-20)).toBe(400)
    expect(recorder.slices).toEqual([])
    expect(await recorder.post('[ ]')).toMatchObject({ status: 200, answer: { received: 0 } })
  })

  it('the webhook answers while an import of noise goes on', async () => {
    await using bridge = await startBridge({ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: 'http://127.0.0.1:9' })
    let isOver = false
    const imported = bridge
      .api('/api/import', { method: 'POST', body: `[${'0,'.repeat(20_000)}0]` })
      .finally(() => (isOver = true))
    let during = 0
    while (!isOver) {
      await sendEvents(bridge.webhook, many(1))
      if (!isOver) during += 1
    }
    expect(await imported).toMatchObject({ received: 20_001, rejected: 20_001 })
    expect(during).toBeGreaterThan(5)
  })

  it('what is imported is what an export of it gives', async () => {
    await using bridge = await startBridge({ SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: 'http://127.0.0.1:9' })
    const events = many(2_300)
    await bridge.api('/api/import', { method: 'POST', body: toNdjson(events) })
    expect(await bridge.stats()).toMatchObject({ received: 2_300 })
    expect(await bridge.api('/api/import', { method: 'POST', body: JSON.stringify(events) })).toMatchObject({
      stored: 0,
      duplicates: 2_300,
    })
  })
})
