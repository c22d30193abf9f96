/** A number reaches the destination with the digits it was written with, through the whole bridge on both hosts. */
import { chmodSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseExactly } from '../../src/event/exact-numbers.ts'
import { validate } from '../../src/ingest/validate.ts'
import { encodeRow } from '../../src/outbox/encode-row.ts'
import { EVENT_BYTES } from '../../src/send/segment/limits.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { startBridge } from '../support/bridge.ts'
import { deliverTo, openTestbed, overhead } from '../support/dispatcher.ts'
import { statusEvent } from '../support/events.ts'
import { describeHosts, listEvents } from '../support/hosts.ts'
import { openWorkplace } from '../support/replay.ts'
import { startSegment } from '../support/segment.ts'
import { messageStatus, sendBody } from '../support/twilio.ts'

/** A number as JSON may write it. */
const jsonNumber = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.oneof(fc.constant('0'), fc.stringMatching(/^[1-9]\d{0,24}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^\.\d{1,20}$/)),
    fc.oneof(fc.constant(''), fc.stringMatching(/^[eE][+-]?\d{1,4}$/)),
  )
  .map(parts => parts.join(''))

describe('JSON text that is read to be written again', () => {
  test.each([
    '12345678901234567890',
    '1.10',
    '1.0',
    '1e400',
    '-1e400',
    '-0',
    '0.0000001',
    '1E5',
    '9007199254740993',
  ])('[MP92] %s keeps its digits, wherever it stands', number => {
    for (const text of [
      number,
      `[${number}]`,
      `[1,${number},"x"]`,
      `{"a":${number}}`,
      `{"a":{"b":[0,${number}]},"__proto__":${number}}`,
    ]) {
      expect(JSON.stringify(parseExactly(text))).toBe(text)
    }
    expect(JSON.stringify(parseExactly(`{ "a" :\n ${number}\t}`))).toBe(`{"a":${number}}`)
  })

  test('[MP92] any number does, and all else is what JSON.parse makes of it', () => {
    const value = fc.letrec(tie => ({
      node: fc.oneof(
        { maxDepth: 4 },
        jsonNumber,
        fc.json({ maxDepth: 0 }).filter(text => !/^[-\d]/.test(text)),
        fc.array(tie('node').map(String)).map(items => `[${items.join()}]`),
        fc
          .array(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), tie('node').map(String)), { maxLength: 5 })
          .map(
            members =>
              `{${[...new Map(members)].map(([name, item]) => `${JSON.stringify(name)}:${item}`).join()}}`,
          ),
      ),
    })).node
    fc.assert(
      fc.property(value, text => {
        expect(JSON.stringify(parseExactly(text))).toBe(text)
      }),
      { numRuns: 1_000 },
    )
  })

  test('[MP92] what prints as it was written is the parsed value itself', () => {
    for (const event of [statusEvent(), statusEvent({ a: [1.5, -0.25, 1234567890123456, ': 1.10 '] })])
      expect(parseExactly(JSON.stringify(event), event)).toBe(event)
  })

  test('[MP92] text that is nested too deeply to be read so is read as usual', () => {
    const text = `${'['.repeat(100_000)}1.10${']'.repeat(100_000)}`
    const parsed: unknown = JSON.parse(text)
    expect(parseExactly(text, parsed)).toBe(parsed)
  })
})

describe('through the outbox', () => {
  test('[MP92] an event that is nested too deeply costs its neighbours no digit', async () => {
    await using segment = await startReceiver()
    const dispatcher = openTestbed({ deliver: deliverTo(segment.url) })
    const deep = { ...messageStatus(), data: { ...messageStatus().data, deep: 'DEEP' } }
    const body = JSON.stringify([deep, numbersEvent('EZ1')])
      .replace('"DEEP"', `${'['.repeat(50_000)}1.10${']'.repeat(50_000)}`)
      .replace('"NUMBERS"', numbers)
    const elements: unknown[] = JSON.parse(body)
    dispatcher.append([encodeRow({ body, encoding: 'text', receivedAt: 1, entries: elements.map(validate) })])
    await dispatcher.drainFor(1_000)
    expect(dispatcher.figures()).toMatchObject({ accepted: 1, refused: 1 })
    expect(segment.text()).toContain(`"numbers":${numbers}`)
  })

  test('[MP92] [PK2] the size of an event is counted as it is written', async () => {
    await using segment = await startReceiver()
    const dispatcher = openTestbed({ deliver: deliverTo(segment.url) })
    // JSON.parse and JSON.stringify would leave a single 1 of it.
    const empty = toTrack(numbersEvent('EZ1'), 1)
    if (!empty.ok) expect.fail(empty.reason)
    const room = EVENT_BYTES - overhead.perEvent - Buffer.byteLength(JSON.stringify(empty.track))
    for (const [id, zeros] of [
      ['EZ1', room + '"NUMBERS"'.length - '1.'.length],
      ['EZ2', room + '"NUMBERS"'.length - '1.'.length + 1],
    ] as const) {
      const body = JSON.stringify([numbersEvent(id)]).replace('"NUMBERS"', `1.${'0'.repeat(zeros)}`)
      const elements: unknown[] = JSON.parse(body)
      dispatcher.append([
        encodeRow({ body, encoding: 'text', receivedAt: 1, entries: elements.map(validate) }),
      ])
    }
    await dispatcher.drainFor(1_000)
    expect(dispatcher.figures()).toMatchObject({ accepted: 1, refused: 1 })
    expect(segment.text()).toContain('"messageId":"EZ1"')
  })
})

const numbers = '[12345678901234567890,1.10,1e400,-0,{"n":0.0000001},1,"1.10"]'
const fixed = '2026-11-28T10:00:13.000Z'

function numbersEvent(id: string) {
  return messageStatus({ id, time: fixed, data: { numbers: 'NUMBERS' } })
}

/** Any receiver of the protocol; it keeps the text of what it got. */
async function startReceiver() {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', chunk => {
      body += chunk
    })
    request.on('end', () => {
      bodies.push(body)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true}')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const stop = () => {
    server.closeAllConnections()
    server.close()
  }
  return {
    url: `http://127.0.0.1:${port}`,
    text: () => bodies.join('\n'),
    stop,
    [Symbol.asyncDispose]: async () => stop(),
  }
}

describeHosts('numbers', host => {
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  beforeAll(async () => {
    receiver = await startReceiver()
  })
  afterAll(() => receiver.stop())

  test('[MP92] arrive, are shown and are exported with the digits they came with', async () => {
    await using bridge = await host.start({ SEGMENT_HOST: receiver.url })
    const plain = (id: string) => JSON.stringify(numbersEvent(id)).replace('"NUMBERS"', numbers)
    const held = (id: string, hold: (data: string) => string) =>
      plain(id).replace(/"data":(\{.*\})\}$/, (_, data: string) => `${hold(data)}}`)
    const asObject = plain('EZ1')
    const asText = held('EZ2', data => `"data":${JSON.stringify(data)}`)
    const asBase64 = held('EZ3', data => `"data_base64":"${btoa(data)}"`)
    for (const event of [asObject, asText, asBase64])
      expect((await sendBody(bridge.webhook, `[${event}]`)).status).toBe(200)
    await bridge.until(stats => stats.accepted === 3)
    expect(receiver.text().split(`"numbers":${numbers}`)).toHaveLength(4)

    for (const { key, id } of await listEvents(bridge, 'limit=3')) {
      const shown = await fetch(`${bridge.origin}/api/events/${key}`, {
        headers: { authorization: `Bearer ${bridge.adminToken}` },
      })
      const [, received, mapped] = /"received":(.*),"mapped":(.*)\}$/s.exec(await shown.text()) ?? []
      expect(mapped, `${id}`).toContain(`"numbers":${numbers}`)
      if (id === 'EZ1') expect(received).toBe(asObject)
    }
    expect(await bridge.api<string>('/api/export')).toContain(asObject)
  })
})

describeHosts('two events of one id', host => {
  test('[MP93] from two sources are both sent, with that id as their messageId', async () => {
    await using receiver = await startReceiver()
    await using bridge = await host.start({ SEGMENT_HOST: receiver.url })
    const twins = [messageStatus({ id: 'EZtwin' }), messageStatus({ id: 'EZtwin' })]
    expect(new Set(twins.map(({ source }) => source)).size).toBe(2)
    expect((await sendBody(bridge.webhook, JSON.stringify(twins))).status).toBe(200)
    expect(await bridge.until(stats => stats.accepted === 2)).toMatchObject({ received: 2, duplicates: 0 })
    expect(receiver.text().match(/"messageId":"EZtwin"/g)).toHaveLength(2)
    for (const { data } of twins) expect(receiver.text()).toContain(data.messageSid)
  })
})

describe('a dead letter of an earlier version', () => {
  test('[VA93] f06: what is accepted since goes out when it is retried', async () => {
    const segment = await startSegment()
    const dispatcher = openTestbed({ deliver: deliverTo(segment.url) })
    const event = messageStatus({ id: 'EZold', data: { errorCode: null, mcc: 310, numberOfSegments: '1' } })
    const faults = [{ path: '$.data.errorCode', expected: 'integer or string', received: 'null' }]
    // As the version before kept it.
    const old = { ...validate(event), state: 'rejected', reason: 'schema_rejected', faults } as const
    dispatcher.append([
      encodeRow({ body: JSON.stringify([event]), encoding: 'text', receivedAt: 1, entries: [old] }),
    ])
    await dispatcher.drainFor(1_000)
    expect(dispatcher.figures()).toMatchObject({ rejected: 1 })
    const { admin } = dispatcher
    const [key] = dispatcher.outbox.list({ limit: 1 }).events.map(({ key }) => key)
    expect(admin.retry(key ?? '')).toEqual({ done: true, state: 'pending' })
    await dispatcher.drainFor(1_000)
    expect(dispatcher.figures()).toMatchObject({ accepted: 1, rejected: 0 })
    expect(segment.events[0]?.properties).toEqual(event.data)
    await segment.close()
  })
})

describe('a person at a terminal', () => {
  test('[MP92] [DX5] sees the digits, corrects an event beside them and sends them on', async () => {
    using place = openWorkplace()
    await using receiver = await startReceiver()
    const bad = messageStatus({ id: 'EZbad', data: { to: 7, numbers: 'NUMBERS' } })
    const settings = { SEGMENT_WRITE_KEY: 'key', SEGMENT_HOST: receiver.url, DATA_DIR: place.dataDir }
    await using bridge = await startBridge(settings)
    await sendBody(bridge.webhook, JSON.stringify(bad).replace('"NUMBERS"', numbers))
    await bridge.until(({ rejected }) => rejected === 1)
    const { out } = await place.deadLetters(['list', '--json'])
    const { key } = JSON.parse(out[0] ?? '')
    const shown = (await place.deadLetters(['show', key])).out.join('\n')
    expect(shown.replaceAll(/\s/g, '')).toContain(`"numbers":${numbers}`)

    const editor = place.file('editor.sh', `#!/bin/sh\nsed -i 's/"to": 7/"to": "+15550100142"/' "$1"\n`)
    chmodSync(editor, 0o755)
    const run = await place.deadLetters(['edit', key], { environment: { EDITOR: editor } })
    expect(run).toMatchObject({ code: 0 })
    await bridge.until(({ accepted }) => accepted === 1)
    expect(receiver.text()).toContain(`"numbers":${numbers}`)
  })
})
