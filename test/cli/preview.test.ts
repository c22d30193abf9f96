/** The command `destinations preview`, on the events of a bridge and on files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDestinationsCommand } from '../../src/cli/destinations.ts'
import { startBridge } from '../support/bridge.ts'
import { runCommand } from '../support/cli-terminal.ts'
import { statusEvent } from '../support/events.ts'
import { startSegment } from '../support/segment.ts'
import { authToken, messageStatus, sendEvents } from '../support/twilio.ts'

const folder = mkdtempSync(join(tmpdir(), 'preview-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const key = '$' + '{KEY}'
const segment = { type: 'segment', writeKey: key }

function write(name: string, content: object | string): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const environment = { DATA_DIR: join(folder, 'none'), KEY: 'write-key' }
const run = (args: string[], more: Record<string, string> = {}) =>
  runCommand(createDestinationsCommand, ['preview', ...args], { environment: { ...environment, ...more } })

describe('destinations preview --event', () => {
  const DESTINATIONS = write('destinations.json', {
    destinations: {
      segment,
      acme: { ...segment, when: 'properties.to = "+15550100002"' },
      brand: { ...segment, when: 'userId = "nobody"' },
    },
  })

  it('[OP201] shows what a file would become, at each destination', async () => {
    const event = write('event.json', statusEvent())
    const { code, out } = await run(['--event', event], { DESTINATIONS })
    expect(code).toBe(0)
    const text = out.join('\n')
    expect(text).toMatch(/^segment: sent\n\{\n {2}"event": "com\.twilio\.messaging\.message\.delivered",/)
    expect(text).toMatch(/"messageId": "EZ0{32}\.acme"/)
    expect(text).toMatch(/\nbrand: not sent: its filter \(when\) is not true of it$/)
  })

  it('[OP201] as JSON, of several events, with numbers as they were written', async () => {
    const texts = [statusEvent({ price: 0 }), statusEvent({ to: '+15550100009' })].map(event =>
      JSON.stringify(event).replace('"price":0', '"price":1.10'),
    )
    const { out } = await run(['--json', '--event', write('events.ndjson', texts.join('\n'))], {
      DESTINATIONS,
    })
    expect(out.map(line => JSON.parse(line)).map(({ destination, sent }) => [destination, sent])).toEqual([
      ...[
        ['segment', true],
        ['acme', true],
        ['brand', false],
      ],
      ...[
        ['segment', true],
        ['acme', false],
        ['brand', false],
      ],
    ])
    expect(out[0]).toContain('"price":1.10')
    expect(JSON.parse(out[2] ?? '')).toMatchObject({ reason: 'when', event: expect.stringMatching(/^EZ/) })
  })

  it('[OP201] without DESTINATIONS shows the one, which may run dry', async () => {
    const { out } = await run(['--event', write('event.json', statusEvent())])
    expect(out[0]).toBe('segment: a dry run, shown and not sent')
  })

  it.each([
    [[], 'Give --event or --last.', 2],
    [['--event', 'x', '--last', '5'], 'Give --event or --last.', 2],
    [['--event', write('text.json', 'no json')], 'not_json', 1],
    [
      ['--event', 'nothing', '--file', write('bad.json', '{"destinations":{"a":{"type":"x"}}}')],
      'DESTINATIONS',
      2,
    ],
  ])('[OP201] says what is wrong: %s', async (args, said, code) => {
    const result = await run(args)
    expect(result).toMatchObject({ code, said: expect.stringContaining(said) })
  })
})

describe('destinations preview of what is stored', () => {
  const before = { destinations: { segment, acme: { ...segment, when: 'event != "x"' } } }
  let close: () => Promise<void> = async () => undefined
  let dataDir = ''
  let received: string[] = []

  beforeAll(async () => {
    const stack = new AsyncDisposableStack()
    const fake = stack.use(await startSegment())
    const one = { ...segment, host: fake.url }
    const bridge = stack.use(
      await startBridge({
        KEY: 'write-key',
        DESTINATIONS: JSON.stringify({
          destinations: { segment: one, acme: { ...one, when: 'event != "x"' } },
        }),
      }),
    )
    await sendEvents(bridge.webhook, [
      messageStatus(),
      messageStatus(),
      messageStatus({ to: '+15550100009' }),
    ])
    await bridge.until(({ accepted }) => accepted === 3)
    const { events } = await bridge.api<{ events: { key: string }[] }>('/api/events')
    received = events.map(({ key }) => key)
    dataDir = bridge.dataDir
    close = () => stack.disposeAsync()
  })
  afterAll(() => close())

  const stored = (args: string[], file: object) =>
    run(args, { DATA_DIR: dataDir, TWILIO_AUTH_TOKEN: authToken, DESTINATIONS: JSON.stringify(file) })

  it('[OP201] --event takes a key; messageIds are as the bridge sends them', async () => {
    const { out, code } = await stored(['--json', '--event', received[0] ?? ''], before)
    expect(code).toBe(0)
    const ids = out.map(line => JSON.parse(line).payload.messageId)
    expect(ids[1]).toBe(`${ids[0]}.acme`)
    expect(await stored(['--event', '999-0'], before)).toMatchObject({ code: 1 })
  })

  it('[OP202] --last counts, and says what the file changes of where events go', async () => {
    const narrowed = {
      destinations: {
        segment: { ...segment, events: { '*': 'Renamed' } },
        acme: { ...segment, when: 'properties.to = "+15550100009"' },
        third: segment,
      },
    }
    const { out, code } = await stored(['--last', '1000', '--json'], narrowed)
    expect(code).toBe(0)
    expect(JSON.parse(out[0] ?? '')).toMatchObject({
      events: 3,
      destinations: { segment: { sent: 3 }, acme: { sent: 1, notSent: { when: 2 } }, third: { sent: 3 } },
      changes: {
        segment: { changed: 3, samples: [{ text: expect.stringMatching(/: event → "Renamed"$/) }] },
        acme: { same: 1, gone: 2, samples: [{ text: expect.stringMatching(/no longer goes there$/) }] },
        third: { added: 3 },
      },
    })
    const lines = (await stored(['--last', '2'], narrowed)).out
    expect(lines[0]).toMatch(/^NAME +SENT +NOT SENT$/)
    expect(lines).toContainEqual(expect.stringMatching(/^third +2 +0$/))
    expect(lines).toContainEqual(expect.stringMatching(/^NAME +AS BEFORE +CHANGED +NEW +NO LONGER$/))
  })

  it('[OP202] --against compares payload by payload', async () => {
    const consenting = {
      destinations: { ...before.destinations, segment: { ...segment, messageId: 'tagged' } },
    }
    const against = write('before.json', before)
    const { out } = await stored(['--last', '10', '--json', '--against', against], consenting)
    expect(JSON.parse(out[0] ?? '').changes).toMatchObject({
      segment: { changed: 3, samples: [{ text: expect.stringContaining('→messageId') }] },
      acme: { same: 3 },
    })
  })
})
