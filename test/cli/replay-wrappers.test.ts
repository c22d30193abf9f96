/** Events in what queues, logs, proxies and exports wrap around them are found, and what is none is named line by line. */
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import type { Bad } from '../../src/cli/replay/rejected.ts'
import { split } from '../../src/cli/replay/split.ts'
import { startBridge } from '../support/bridge.ts'
import { openWorkplace, readLines, toNdjson } from '../support/replay.ts'
import { inboundMessage, messageStatus } from '../support/twilio.ts'

const place = openWorkplace()
afterAll(() => place[Symbol.dispose]())

const cases = join(import.meta.dirname, 'cases')
const events = [
  messageStatus({ type: 'sent', data: { text: 'a "quote", a \\ and } – 🎉' } }),
  inboundMessage(),
]
const ids = events.map(({ id }) => id)
const [one] = events
const body = JSON.stringify(events)
const each = events.map(event => JSON.stringify(event))
const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64')
const csvField = (text: string) => `"${text.replaceAll('"', '""')}"`

async function dryRun(
  name: string,
  content: string | Uint8Array,
): Promise<{ ids: unknown[]; said: string; code: number }> {
  const { out, said, code } = await place.replay([
    '--dry-run',
    place.file(name.replaceAll(/\W/g, '_'), content),
  ])
  return { ids: out.map(line => JSON.parse(line).messageId), said, code }
}

type Form = readonly [name: string, content: string | Uint8Array]
const forms: readonly Form[] = [
  [
    'SQS, as Lambda is given it',
    JSON.stringify({ Records: each.map(body => ({ messageId: 'm', body, eventSource: 'aws:sqs' })) }),
  ],
  [
    'SQS, as receive-message answers',
    JSON.stringify({ Messages: each.map(Body => ({ MessageId: 'm', ReceiptHandle: 'r', Body })) }),
  ],
  [
    'SNS over HTTP',
    toNdjson(each.map(Message => ({ Type: 'Notification', TopicArn: 'arn:aws:sns:x', Message }))),
  ],
  [
    'SNS, as Lambda is given it',
    JSON.stringify({ Records: each.map(Message => ({ EventSource: 'aws:sns', Sns: { Message } })) }),
  ],
  [
    'SNS in SQS',
    JSON.stringify({
      Records: each.map(Message => ({
        eventSource: 'aws:sqs',
        body: JSON.stringify({ TopicArn: 't', Message }),
      })),
    }),
  ],
  [
    'EventBridge',
    toNdjson(events.map(detail => ({ version: '0', 'detail-type': 'twilio', source: 'twilio', detail }))),
  ],
  [
    'API Gateway',
    JSON.stringify({ resource: '/', requestContext: {}, headers: { a: 'b' }, body, isBase64Encoded: false }),
  ],
  [
    'API Gateway, in base64',
    JSON.stringify({ requestContext: {}, body: base64(body), isBase64Encoded: true }),
  ],
  [
    'CloudWatch Logs, subscription',
    JSON.stringify({
      awslogs: {
        data: base64(
          gzipSync(JSON.stringify({ logEvents: each.map(message => ({ id: '1', timestamp: 1, message })) })),
        ),
      },
    }),
  ],
  [
    'CloudWatch Logs, a text before it',
    JSON.stringify({ events: each.map(text => ({ timestamp: 1, message: `INFO webhook ${text} done` })) }),
  ],
  [
    'Firehose failures',
    toNdjson(each.map(text => ({ attemptsMade: 4, errorCode: 'Lambda.X', rawData: base64(text) }))),
  ],
  [
    'Pub/Sub, pushed',
    toNdjson(each.map(text => ({ message: { data: base64(text), messageId: '1' }, subscription: 's' }))),
  ],
  [
    'Pub/Sub, pulled',
    JSON.stringify({ receivedMessages: each.map(text => ({ ackId: 'a', message: { data: base64(text) } })) }),
  ],
  ['Datadog', toNdjson(each.map(message => ({ id: 'x', content: { service: 'hook', message } })))],
  ['Vector', toNdjson(each.map(message => ({ host: 'h', message, source_type: 'http_server' })))],
  ['pino, parsed', toNdjson(events.map(body => ({ level: 30, time: 1, body: [body], msg: 'request' })))],
  [
    'Docker logs',
    toNdjson(each.map(text => ({ log: `${text}\n`, stream: 'stdout', time: '2026-11-22T00:00:00Z' }))),
  ],
  ['webhook.site', JSON.stringify({ data: [{ uuid: 'u', method: 'POST', content: body }], total: 1 })],
  [
    'Hookdeck, as it came and parsed',
    JSON.stringify({ id: 'req', data: { headers: {}, body: events, rawBody: body } }),
  ],
  [
    'ngrok',
    JSON.stringify({
      requests: [{ id: 'a', request: { raw: base64(`POST /hook HTTP/1.1\r\nHost: x\r\n\r\n${body}`) } }],
    }),
  ],
  [
    'HAR',
    JSON.stringify({
      log: {
        version: '1.2',
        entries: [
          { request: { url: 'https://other.example' } },
          { request: { postData: { mimeType: 'application/json', text: body } } },
        ],
      },
    }),
  ],
  [
    'Dapr',
    toNdjson(
      events.map(data => ({ specversion: '1.0', type: 'com.dapr.event.sent', source: 'app', id: 'd', data })),
    ),
  ],
  [
    'Dapr, as text',
    toNdjson(
      each.map(data => ({ specversion: '1.0', type: 'com.dapr.event.sent', source: 'app', id: 'd', data })),
    ),
  ],
  [
    'a CloudEvent in base64',
    toNdjson(
      each.map(text => ({
        specversion: '1.0',
        type: 'x',
        source: 'app',
        id: 'd',
        data_base64: base64(text),
      })),
    ),
  ],
  [
    'Elasticsearch',
    JSON.stringify({ hits: { total: 2, hits: events.map(event => ({ _index: 'i', _source: { event } })) } }),
  ],
  ['a field once more escaped', toNdjson(each.map(text => ({ payload: JSON.stringify(text).slice(1, -1) })))],
  ['a field in quotes', toNdjson(each.map(text => ({ value: JSON.stringify(text) })))],
  ['zstd in base64', toNdjson(each.map(text => ({ value: base64(zstdCompressSync(text)) })))],
  ['lines of quoted JSON', each.map(text => `${JSON.stringify(text)}\n`).join('')],
  ['an array of quoted JSON', JSON.stringify(each)],
  ['an array of base64', JSON.stringify(each.map(base64))],
  ['CSV', `id,at,body\n${each.map(text => `1,now,${csvField(text)}\n`).join('')}`],
  [
    'CSV of one column, CRLF, a mark',
    `\ufeffbody\r\n${each.map(text => `${csvField(`[${text}]`)}\r\n`).join('')}`,
  ],
  [
    'CSV with semicolons and line breaks',
    `a;"b c"\n${events.map(event => `1;${csvField(JSON.stringify(event, undefined, 2))}\n`).join('')}`,
  ],
  [
    'CSV of MySQL',
    `"id","body"\n${each.map(text => `"1","${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"\n`).join('')}`,
  ],
  ['CSV in base64, in gzip', gzipSync(`id,body\n${each.map(text => `1,${base64(text)}\n`).join('')}`)],
  ['TSV without quotes', `id\tbody\n${each.map(text => `1\t${text}\n`).join('')}`],
]

describe('[RP132] events are found in whatever is wrapped around them', () => {
  it.each(forms)('%s', async (name, content) => {
    expect(await dryRun(name, content)).toMatchObject({ ids, code: 0 })
  })

  it('numbers in a wrapper keep their digits', async () => {
    using fresh = openWorkplace()
    const text = JSON.stringify(one).replace('"data":{', '"data":{"exact":12345678901234567890.10,')
    const path = fresh.file('a', `{"detail":${text}}`)
    expect(await fresh.replayed([path])).toMatchObject({ stored: 1 })
    expect((await fresh.export()).out.join('')).toContain('12345678901234567890.10')
  })

  it.each([
    ['f03', 'f03-text-line-then-array.log', 2, 3],
    ['f13', 'f13-lambda-sqs-event.json', 1, 0],
    ['f15', 'f15-double-encoded-lines.ndjson', 2, 0],
    ['f15b', 'f15b-export.csv', 2, 0],
    ['f16', 'f16-cloudevent-in-cloudevent.json', 1, 0],
  ])('%s: %s', async (_, name, stored, code) => {
    using fresh = openWorkplace()
    expect(await fresh.replayed([join(cases, name)])).toMatchObject({ stored, pending: stored, code })
    expect(await fresh.replayed([join(cases, name)])).toMatchObject({ stored: 0, duplicates: stored })
  })

  it('what holds much that is packed does not become large', async () => {
    const bomb = base64(gzipSync(Buffer.alloc(16_000_000, ' '), { level: 9 }))
    const { said, code } = await dryRun('bomb', JSON.stringify({ Records: Array(8).fill({ body: bomb }) }))
    expect(code).toBe(3)
    expect(said).toMatch(
      /\$\.Records\[\d\]\.body cannot be unpacked \(it unpacks to too much|Cannot create a Buffer/,
    )
  })
})

describe('[RP221] lines that are no JSON, and hold some', () => {
  const form = (text: string) => `Body=x&payload=${encodeURIComponent(text).replaceAll('%20', '+')}`
  const logged = `<34>1 2026-11-22T10:00:00.003Z host app 12 - [x@1 y="z"] ${each[0]}\nNov 22 10:00:02 host app[12]: [${each[1]}]\n`

  it.each([
    ['a form', form(body)],
    ['a form a line, among others', `a=b&c=d\n${each.map(form).join('\n')}\n`],
    ['a field name twice', `${form(each[0] ?? '')}&${form(each[1] ?? '')}`],
    ['a form in a HAR', JSON.stringify({ log: { entries: [{ postData: { text: form(body) } }] } })],
    ['lines of a log', logged],
    ['lines of a log, and what is none', `${logged}Nov 22 10:00:02 host app[12]: stopped\n`],
  ])('%s', async (name, content) => {
    expect((await dryRun(name, content)).ids.toSorted()).toEqual(ids.toSorted())
  })

  it('however they are cut into chunks, and without a bad record for the header of a log line', async () => {
    for (const size of [1, 7, 100, 1_000]) {
      const bytes = Buffer.from(`${logged}${form(body)}\n${each[0]}`)
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
        bytes.subarray(n * size, (n + 1) * size),
      )
      async function* cut() {
        yield* chunks
      }
      const faults: unknown[] = []
      for await (const pieces of split(cut())) faults.push(...pieces.map(({ fault }) => fault))
      expect(faults).toEqual([undefined, undefined, undefined, undefined])
    }
  })
})

describe('[RP133] what is not readable is named, a bad record for each line', () => {
  async function badOf(name: string, content: string): Promise<{ bad: Bad[]; stored: number }> {
    using fresh = openWorkplace()
    const path = fresh.file(name, content)
    const { stored } = await fresh.replayed([path])
    return { bad: readLines<Bad>(`${path}.rejected.ndjson`), stored }
  }
  const line = `${each[0]}\n`

  it.each([
    ['csv', 'a,b,c\n1,2,3\n4,5,6\n', 3, /this looks like CSV/],
    ['html', '<html>\n<p>no</p>\n', 2, /this looks like HTML or XML/],
    [
      'log',
      '<34>1 2026-11-22T10:00:00Z host app 12 - - started\nNov 22 10:00:02 host app[1]: stopped\n',
      2,
      /a line of a log/,
    ],
    ['form', 'MessageSid=SM1&To=%2B1\nMessageSid=SM2&To=%2B1\n', 2, /this looks like an HTML form/],
    ['text', 'one line\nanother\nand a third\n', 3, /an object should begin/],
    ['torn', `"{\\"specversion\\":\n"{\\"specversion\\":\n`, 2, /a quoted JSON text that is not whole/],
    ['python', `{'specversion': '1.0'}\n`, 1, /this looks like Python/],
    [
      'sqs',
      JSON.stringify({
        Records: [
          { eventSource: 'aws:sqs', body: 'hello' },
          { eventSource: 'aws:sqs', body: '{}' },
        ],
      }),
      2,
      /\$\.Records\[\d\]: an SQS message with a field body that holds no event/,
    ],
    [
      'other',
      '{"message":"nothing"}\n{"message":"nothing"}\n',
      2,
      /an object with a field message that holds no event/,
    ],
    [
      'torn-field',
      JSON.stringify({ message: each[0]?.slice(0, 200) }),
      1,
      /the text ends inside the record.*in \$\.message/,
    ],
  ])('%s', async (name, content, count, reason) => {
    const { bad, stored } = await badOf(name, content + line)
    expect(bad.map(({ reason }) => reason)).toEqual(Array(count).fill(expect.stringMatching(reason)))
    expect(stored).toBe(1)
  })

  it('f03: the elements of an array are records, wherever it begins', async () => {
    const array = JSON.stringify(events)
    for (const before of [
      'received webhook\n',
      'received: ',
      '{"specversion":"1.0","torn\n',
      '{"torn":\n',
      'one\ntwo\n\n  ',
    ])
      expect((await badOf('a', `${before}${array}\n`)).stored, before).toBe(2)
    const { bad, stored } = await badOf('a', `[0,"x",null,${each[0]},true,\n${each[1]}]`)
    expect([bad.length, stored]).toEqual([4, 2])
  })

  it('a row of a CSV whose quotes do not close costs itself', async () => {
    const row = (text: string) => `1,${csvField(text)}\n`
    const torn = row(each[0] ?? '').slice(0, 120)
    const { bad, stored } = await badOf('a', `id,body\n${row(each[0] ?? '')}${torn}\n${row(each[1] ?? '')}`)
    expect([bad.length, stored]).toEqual([1, 2])
    expect(bad[0]?.reason).toMatch(/quotes do not close/)
  })
})

describe('[RP134] what will never be sent is said to be', () => {
  const unknown = { ...messageStatus(), type: 'com.twilio.unheard.of' }

  it('f16: so many to be sent, so many kept as skipped, and why', async () => {
    using fresh = openWorkplace()
    const alone = await fresh.replay([fresh.file('a', toNdjson([unknown]))])
    expect(alone.said).toContain('0 to be sent, 1 kept as skipped (type_unmapped)')
    const mixed = await fresh.replay([
      '--json',
      fresh.file('b', toNdjson([...events, { ...unknown, id: 'other' }])),
    ])
    expect(mixed.said).toContain('2 to be sent, 1 kept as skipped (type_unmapped)')
    expect(mixed.json()).toMatchObject({ stored: 3, pending: 2, skipped: 1, unsent: { type_unmapped: 1 } })
  })

  it('[RP220] so are events without a customer, by the settings of the bridge that stores them', async () => {
    const nobodys = [messageStatus({ to: '+266696687' }), messageStatus({ to: 'anonymous' })]
    using fresh = openWorkplace()
    const { said } = await fresh.replay([fresh.file('a', toNdjson([...events, ...nobodys]))])
    expect(said).toContain('2 to be sent, 2 kept as skipped (no_customer)')
    const environment = { NO_CUSTOMER: 'resource' }
    using sending = openWorkplace()
    const sent = await sending.replay([sending.file('a', toNdjson(nobodys))], { environment })
    expect(sent.said).toContain('2 to be sent')
    expect(sent.said).not.toContain('skipped')
  })

  it('[RP220] the bridge that runs judges by its own settings, and says so', async () => {
    await using bridge = await startBridge({ OWN_NUMBERS: '+15550100155' })
    const body = toNdjson([...events, messageStatus({ to: '+15550100155' }), unknown])
    const answer = await bridge.api('/api/import', { method: 'POST', body })
    expect(answer).toMatchObject({
      ...{ received: 4, pending: 2, skipped: 2 },
      skippedReasons: { no_customer: 1, type_unmapped: 1 },
    })
  })

  it('a dry run says why', async () => {
    const { said } = await dryRun('unsent', toNdjson([...events, unknown]))
    expect(said).toContain('2 would be sent, 1 not to be sent (type_unmapped)')
  })
})

describe('[RP135] an event keeps its time, or is a bad record (f04)', () => {
  it('f04: times of a warehouse are read as that instant, by the summary and --since too', async () => {
    const path = join(cases, 'f04-warehouse-utc-times.ndjson')
    const { out } = await place.replay(['--dry-run', path])
    expect(out.map(line => JSON.parse(line).timestamp)).toEqual(['2024-11-21T10:00:13.123Z'])
    const at = (since: string) => place.replay(['--dry-run', '--since', since, path])
    expect((await at('2024-11-21T10:00:13Z')).out.length).toBe(1)
    expect((await at('2024-11-21T10:00:14Z')).out.length).toBe(0)
    using fresh = openWorkplace()
    expect(await fresh.replayed([path])).toMatchObject({ olderThan24h: 1, pending: 1 })
  })

  it.each(['yesterday', '2024-11-21 10:00:13', '2024-13-21T10:00:13Z', ''])(
    '%j is a fault of that record',
    async time => {
      using fresh = openWorkplace()
      const wrong = messageStatus({ time, data: { timestamp: time } })
      const path = fresh.file('a', toNdjson([wrong, ...events]))
      expect(await fresh.replayed([path])).toMatchObject({ code: 3, stored: 2, bad: 1 })
      const [bad] = readLines<Bad>(`${path}.rejected.ndjson`)
      expect(bad?.reason).toContain(
        `time_unreadable: $.time should be a time with its zone, such as 2026-11-22T02:00:00Z, is ${JSON.stringify(time)}`,
      )
    },
  )

  it('also where the settings of the bridge find the customer', async () => {
    using fresh = openWorkplace()
    const type = 'com.twilio.messaging.template.approval.updated'
    const data = { template: { sid: 'HX00000000000000000000000000000000' } }
    const path = fresh.file('a', toNdjson([{ ...messageStatus({ time: 'yesterday' }), type, data }]))
    expect(await fresh.replayed([path])).toMatchObject({ code: 3, stored: 0, bad: 1 })
  })
})
