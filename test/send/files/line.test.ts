/** What stands in a file, and where the file stands. */
import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/event/event.ts'
import { parseExactly } from '../../../src/event/exact-numbers.ts'
import { toFiles } from '../../../src/send/files/layout.ts'
import { type Line, type Project, toLine } from '../../../src/send/files/line.ts'
import { messageStatus } from '../../support/twilio.ts'

const RECEIVED_AT = Date.parse('2026-01-02T03:04:05.678Z')

function lineOf(text: string, project?: Project, receivedAt = RECEIVED_AT): Line {
  const event = { element: JSON.parse(text), exact: parseExactly(text), receivedAt }
  const made = toLine(event, project, 10_000)
  if (!made.ok) throw new Error(`${made.reason} ${made.detail}`)
  return made.message.content
}

const event = (more: string) => `{"specversion":"1.0","type":"t","source":"s","id":"i",${more}}`
const withoutBody: Project = ({ body, ...rest }) => rest

test('[FI2] a line is the event to the letter: numbers, unknown fields, the order of all', () => {
  for (const text of [
    event('"data":{"n":12345678901234567890,"price":1.10,"big":1e400,"text":"1.10"},"time":"soon","x":[]'),
    event('"data":"{\\"price\\":1.10}"'),
    event('"data_base64":"eyJhIjoxfQ=="'),
  ])
    expect(lineOf(text).text).toBe(text)
})

test('[FI3] rules on data hold whatever coding it came in, and leave no second copy of it', () => {
  const data = '{"body":"secret","price":1.10}'
  const expected = event('"data":{"price":1.10}')
  expect(lineOf(event(`"data":${data}`), withoutBody).text).toBe(expected)
  expect(lineOf(event(`"data":${JSON.stringify(data)}`), withoutBody).text).toBe(expected)
  expect(lineOf(event(`"data_base64":"${btoa(data)}"`), withoutBody).text).toBe(expected)
  expect(lineOf(event(`"data":${data},"data_base64":"${btoa(data)}"`), withoutBody).text).toBe(expected)
})

test('[FI3] data that cannot be read stops the event where there are rules, for they cannot be kept', () => {
  const of = (project?: Project) =>
    toLine({ element: messageStatus({ data: {} }), receivedAt: 1 }, project, 9_999)
  expect(of(withoutBody)).toMatchObject({ ok: true })
  const element: JsonObject = { ...messageStatus(), data: 'no JSON' }
  expect(toLine({ element, receivedAt: 1 }, undefined, 9_999)).toMatchObject({ ok: true })
  expect(toLine({ element, receivedAt: 1 }, withoutBody, 9_999)).toEqual({
    ...{ ok: false, reason: 'schema_rejected', detail: 'data is no JSON object' },
  })
})

test('[FI1] a file for each type and hour of receipt, in UTC, each event once and in order', async () => {
  const at = (time: string, type: string, id: string): Line => ({
    ...{ text: id, key: id, type, receivedAt: Date.parse(`2026-01-02T${time}Z`) },
  })
  const files = await toFiles([
    at('03:59:59.999', 'com.twilio.a', '1'),
    at('03:59:59.999', 'com.twilio.b', '2'),
    at('04:00:00.000', 'com.twilio.a', '3'),
    at('04:10:00.000', 'com.twilio.a', '4'),
    at('04:10:00.000', '../a=b c/ü', '5'),
  ])
  expect(files.map(({ path, lines }) => [path.replace(/[0-9a-f]{32}/, '#'), lines])).toEqual([
    ['event_type=com.twilio.a/received_date=2026-01-02/received_hour=03/20260102T035959Z-#.ndjson.gz', ['1']],
    ['event_type=com.twilio.b/received_date=2026-01-02/received_hour=03/20260102T035959Z-#.ndjson.gz', ['2']],
    [
      'event_type=com.twilio.a/received_date=2026-01-02/received_hour=04/20260102T040000Z-#.ndjson.gz',
      ['3', '4'],
    ],
    ['event_type=.._a_b_c__/received_date=2026-01-02/received_hour=04/20260102T041000Z-#.ndjson.gz', ['5']],
  ])
})

test('[FI4] the same events make the same name, whatever the rules on data; other events another', async () => {
  const nameOf = async (...lines: Line[]) => (await toFiles(lines)).map(({ path }) => path)
  const [one, two] = ['1', '2'].map(id => event('"data":{"body":"x"}').replace('"i"', `"${id}"`))
  if (!one || !two) throw new Error('there are two')
  const first = await nameOf(lineOf(one), lineOf(two))
  expect(first.length).toBe(1)
  expect(await nameOf(lineOf(one, withoutBody), lineOf(two, withoutBody))).toEqual(first)
  expect(await nameOf(lineOf(one))).not.toEqual(first)
  expect(await nameOf(lineOf(one), lineOf(two.replace('"s"', '"other"')))).not.toEqual(first)
})
