/** `dead-letters`: on a running bridge and on its folder alike. */
import { chmodSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bridge, startBridge } from '../support/bridge.ts'
import { openWorkplace, type Workplace } from '../support/replay.ts'
import { startSegment } from '../support/segment.ts'
import { messageStatus, sendBody, sendEvents } from '../support/twilio.ts'

const bad = (change = {}) => messageStatus({ id: `EZ${'b'.repeat(32)}`, data: { to: 7 }, ...change })
const events = {
  wrong: bad(),
  older: bad({ id: `EZ${'c'.repeat(32)}`, type: 'sent' }),
  large: messageStatus({ data: { text: 'x'.repeat(33_000) } }),
}
const deaf = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: 'http://127.0.0.1:9' }

describe.each(['running', 'at rest'] as const)('a bridge %s', condition => {
  let place: Workplace
  let bridge: (Bridge & AsyncDisposable) | undefined
  const keyOf = async (id: string | null) => {
    const { out } = await place.deadLetters(['list', '--json'])
    return out.map(line => JSON.parse(line)).find(event => event.id === id)?.key
  }

  beforeAll(async () => {
    place = openWorkplace()
    await using segment = await startSegment()
    {
      await using first = await startBridge({ ...deaf, SEGMENT_HOST: segment.url, DATA_DIR: place.dataDir })
      await sendEvents(first.webhook, Object.values(events))
      await sendBody(first.webhook, 'no JSON')
      await first.until(({ refused, rejected }) => refused === 1 && rejected === 3)
    }
    if (condition === 'running') bridge = await startBridge({ ...deaf, DATA_DIR: place.dataDir })
  })
  afterAll(async () => {
    await bridge?.[Symbol.asyncDispose]()
    place[Symbol.dispose]()
  })

  it('[DX1] list: a table, or NDJSON; by state, reason, type and time', async () => {
    const { out } = await place.deadLetters(['list'])
    expect(out[0]).toMatch(/^KEY +RECEIVED +STATE +REASON +TYPE +ID$/)
    expect(out.length).toBe(5)
    expect(out.join('\n')).toContain(`messaging.message.delivered  ${events.wrong.id}`)
    const count = async (...args: string[]) =>
      (await place.deadLetters(['list', '--json', ...args])).out.length
    expect(await count('--state', 'refused')).toBe(1)
    expect(await count('--reason', 'schema_rejected')).toBe(2)
    expect(await count('--type', events.older.type)).toBe(1)
    expect(await count('--since', '1h')).toBe(4)
    expect(await count('--until', '1h')).toBe(0)
    expect(await count('--limit', '2')).toBe(2)
  })

  it('[DX2] show: the event, each fault, each attempt, the track call it would become', async () => {
    const wrong = (await place.deadLetters(['show', await keyOf(events.wrong.id)])).out.join('\n')
    expect(wrong).toContain('rejected: schema_rejected')
    expect(wrong).toMatch(/\$\.data\.to: should be .*, is number 7/)
    expect(wrong).toContain('none, as it is')
    const large = (await place.deadLetters(['show', await keyOf(events.large.id)])).out.join('\n')
    expect(large).toContain('refused: event_too_large')
    expect(large).toContain(`"messageId": "${events.large.id}"`)
    expect(await place.deadLetters(['show', '99-0'])).toMatchObject({
      code: 1,
      said: expect.stringContaining('There is no event 99-0'),
    })
  })

  it('[DX3] retry: by key, by filter; what still does not fit stays, and why', async () => {
    const key = await keyOf(events.wrong.id)
    expect(await place.deadLetters(['retry', key])).toMatchObject({
      code: 3,
      said: expect.stringContaining(`${key} not retried: schema_rejected; $.data.to should be`),
    })
    const run = await place.deadLetters(['retry', '--json', '--state', 'refused', '--since', '1h'])
    expect(run).toMatchObject({ code: 0, said: expect.stringContaining('1 of 1 queued') })
    expect(run.json()).toEqual({ matched: 1, done: 1, left: [] })
    expect(await place.deadLetters(['retry'])).toMatchObject({
      code: 2,
      said: expect.stringContaining('Which ones?'),
    })
    expect(await place.deadLetters(['retry', '--all', key])).toMatchObject({ code: 2 })
  })

  it('[DX4] drop asks first, and does nothing without an answer', async () => {
    const filter = ['drop', '--type', events.older.type]
    expect(await place.deadLetters(filter)).toMatchObject({
      code: 2,
      said: expect.stringContaining('pass --yes'),
    })
    expect(await place.deadLetters(filter, { answer: 'n' })).toMatchObject({
      code: 1,
      said: expect.stringContaining('Drop 1 dead letters?'),
    })
    expect(await keyOf(events.older.id)).toBeDefined()
    expect(await place.deadLetters(filter, { answer: 'y' })).toMatchObject({
      code: 0,
      said: expect.stringContaining('1 of 1 dropped'),
    })
    expect(await keyOf(events.older.id)).toBeUndefined()
  })

  it('[DX5] edit: corrected under the same id it takes its own place; what is not good yet changes nothing', async () => {
    const key = await keyOf(events.wrong.id)
    const edit = (script: string, answer = 'n') => {
      const editor = place.file('editor.sh', `#!/bin/sh\n${script}\n`)
      chmodSync(editor, 0o755)
      return place.deadLetters(['edit', key], { answer, environment: { EDITOR: editor } })
    }
    const before = await place.stats()
    expect(await edit('true')).toMatchObject({
      code: 1,
      said: expect.stringContaining('Nothing was changed'),
    })
    expect(await edit('exit 3')).toMatchObject({ code: 1, said: expect.stringContaining('ended with 3') })
    expect(await edit('echo "{" > "$1"')).toMatchObject({
      code: 1,
      said: expect.stringContaining('It is no JSON'),
    })
    expect(await edit(`sed -i 's/"to": 7/"to": 8/' "$1"`)).toMatchObject({
      code: 1,
      said: expect.stringContaining('$.data.to: should be'),
    })
    expect(await edit(`sed -i 's/"to": 7/"to": "+15550100142"/; s/"id": "EZ/"id": "EX/' "$1"`)).toMatchObject(
      {
        code: 1,
        said: expect.stringContaining('id and source have to stay'),
      },
    )
    expect((await place.stats()).rejected).toBe(before.rejected)
    expect(await edit(`sed -i 's/"to": 7/"to": "+15550100142"/' "$1"`)).toMatchObject({
      code: 0,
      said: `${events.wrong.id} waits for delivery, corrected.`,
    })
    const after = await place.stats()
    expect(after).toMatchObject({
      received: before.received,
      rejected: before.rejected - 1,
      pending: before.pending + 1,
    })
  })

  it('[DX5] edit: a body that was no JSON becomes an event of its own, and is dropped', async () => {
    const before = await place.stats()
    const editor = place.file(
      'replace.sh',
      `#!/bin/sh\ncat > "$1" <<'END'\n${JSON.stringify(messageStatus())}\nEND\n`,
    )
    chmodSync(editor, 0o755)
    const run = await place.deadLetters(['edit', await keyOf(null)], { environment: { EDITOR: editor } })
    expect(run).toMatchObject({ code: 0, said: expect.stringContaining('is dropped') })
    expect(await place.stats()).toMatchObject({
      received: before.received + 1,
      rejected: 0,
      pending: before.pending + 1,
    })
    // The large one, sent again, may have been refused again.
    expect(await place.deadLetters(['list', '--state', 'rejected'])).toMatchObject({
      code: 0,
      said: expect.stringContaining('No dead letters'),
    })
  })
})

it('[DX5] edit: an event whose id cannot be kept gets another one, and is dropped', async () => {
  using place = openWorkplace()
  {
    await using bridge = await startBridge({ ...deaf, DATA_DIR: place.dataDir })
    await sendEvents(bridge.webhook, [messageStatus({ id: 'EZ\u0001x' })])
    await bridge.until(({ rejected }) => rejected === 1)
  }
  const editor = place.file('editor.sh', `#!/bin/sh\nsed -i 's/EZ[^"]*x/EZx/' "$1"\n`)
  chmodSync(editor, 0o755)
  const { out } = await place.deadLetters(['list', '--json'])
  const run = await place.deadLetters(['edit', JSON.parse(out[0] ?? '').key], {
    environment: { EDITOR: editor },
  })
  expect(run).toMatchObject({ code: 0, said: expect.stringContaining('is dropped') })
  expect(await place.stats()).toMatchObject({ rejected: 0, pending: 1 })
})

it('[DX6] the help of each command has an example', async () => {
  using place = openWorkplace()
  for (const command of [[], ['list'], ['show'], ['retry'], ['drop'], ['edit']]) {
    const help = (await place.deadLetters([...command, '--help'])).out.join('')
    expect(help).toMatch(/Examples?:\n.*twilio-segment-bridge dead-letters/s)
  }
})
