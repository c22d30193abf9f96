import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import twilio from 'twilio'
import { getSignatureAlgorithm, validateRequest } from 'twilio/lib/webhooks/webhooks.js'
import { describe, expect, it } from 'vitest'
import { type Notice, toSlackMessage } from '../../src/alerts/notice.ts'
import { createNotifier, type NotifierParts, notifierSettings } from '../../src/alerts/notifier.ts'
import { createStateLog } from '../../src/alerts/state-log.ts'
import type { Failure } from '../../src/alerts/throttle.ts'
import { digests } from '../../src/hosts/node/digests.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { readKept } from '../../src/outbox/kept-state.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { newDataDir, spawnBridge, toSettings } from '../support/bridge.ts'
import {
  createClock,
  createFailingSql,
  createLastTold,
  createLogKeeper,
  MINUTE,
  START,
} from '../support/dispatcher.ts'
import { until } from '../support/patience.ts'
import { startSegment } from '../support/segment.ts'
import { accountSid, authToken, messageStatus, sendEvents } from '../support/twilio.ts'

const sinkSid = `DG${'1'.repeat(32)}`
const EVERY = 20 * MINUTE

type Post = { url: string; headers: IncomingHttpHeaders; body: string; form: Record<string, string> }

/** Somebody's handler for Twilio's Debugger. */
async function startHandler(
  status: number | 'hang' = 200,
  location = 'http://127.0.0.1:1/',
): Promise<{ url: string; posts: Post[]; until(count: number): Promise<void> } & AsyncDisposable> {
  const posts: Post[] = []
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const form = Object.fromEntries(new URLSearchParams(body))
    posts.push({ url: request.url ?? '', headers: request.headers, body, form })
    if (status !== 'hang') response.writeHead(status, { location }).end('whatever')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/twilio/debugger?from=bridge`,
    posts,
    async until(count) {
      await until(`post number ${count}`, () => posts.length >= count)
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

type Bench = {
  clock: ReturnType<typeof createClock>
  disk: ReturnType<typeof createFailingSql>
  lastTold: ReturnType<typeof createLastTold>
  lines: ReturnType<typeof createLogKeeper>['lines']
  /** A notifier as after a start of the process. */
  start(more?: Partial<NotifierParts>): ReturnType<typeof createNotifier>
  notices(): Notice[]
}

function createBench(): Bench {
  const clock = createClock()
  const disk = createFailingSql(openSqlite(':memory:'))
  const lastTold = createLastTold()
  const { log, lines } = createLogKeeper()
  const outbox = createOutbox(disk.sql, { retentionMs: 0, dedupeMs: 0 })
  return {
    clock,
    disk,
    lastTold,
    lines,
    start: more =>
      createNotifier({
        store: outbox,
        read: (name, schema, fallback) => readKept(outbox, name, schema, fallback),
        about: () => ({ accountSid, waiting: 0 }),
        everyMs: EVERY,
        sinkSid,
        notifyUrl: undefined,
        signingKey: { setting: 'TWILIO_AUTH_TOKEN', secret: authToken },
        digests,
        send: fetch,
        now: clock.now,
        log,
        changes: createStateLog(log),
        lastTold,
        ...more,
      }),
    notices: () => (outbox.notices(100) as Notice[]).reverse(),
  }
}

const failure = (at: number, more: Partial<Failure> = {}): Failure => {
  return {
    reason: 'segment_failing',
    at,
    count: 3,
    status: 503,
    answer: 'try later',
    firstId: 'EZ1',
    lastId: 'EZ3',
    ...more,
  }
}
const complaints = ({ lines }: Bench) =>
  lines.filter(({ message }) => message.includes('could not be posted'))
const told = ({ lines }: Bench) => lines.filter(({ fields }) => 'error_code' in fields)

describe('a notice', () => {
  it('[TL1] is kept, then logged, then posted', async () => {
    const bench = createBench()
    const order: string[] = []
    const kept = () => `${bench.notices().length} kept, clock ${bench.lastTold.told.delivery}`
    const error = () => {
      order.push(`logged, ${kept()}`)
    }
    const send = async () => {
      order.push(`posted, ${kept()}`)
      return new Response()
    }
    const { log } = createLogKeeper()
    bench.start({ notifyUrl: 'http://127.0.0.1:9/', send, log: { ...log, error } }).failed([failure(START)])
    await until('both', () => order.length >= 2)
    expect(order).toEqual([`logged, 1 kept, clock ${START}`, `posted, 1 kept, clock ${START}`])
  })

  it('[TL1] says what failed, how often, and for which sink, in one line of the log', () => {
    const bench = createBench()
    bench.start().failed([failure(START)])
    expect(bench.notices()).toMatchObject([
      { account_sid: accountSid, level: 'Error', error_code: 91306, payload: { resource_sid: sinkSid } },
    ])
    expect(bench.notices()[0]?.sid).toMatch(/^NO[0-9a-f]{32}$/)
    expect(told(bench)).toMatchObject([
      { level: 'error', fields: { error_code: 91306, counts: { segment_failing: 3 } } },
    ])
  })

  it('[TL2] reaches NOTIFY_URL as a form of Twilio, and the twilio package finds its signature valid', async () => {
    await using handler = await startHandler()
    const bench = createBench()
    bench.start({ notifyUrl: handler.url }).failed([failure(START, { answer: 'naïve 👋 & = + %41' })])
    await handler.until(1)
    const [post] = handler.posts
    expect(post?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    const [notice] = bench.notices()
    expect(post?.form).toEqual({
      Sid: notice?.sid,
      AccountSid: accountSid,
      Timestamp: new Date(START).toISOString(),
      Level: 'Error',
      PayloadType: 'application/json',
      Payload: JSON.stringify(notice?.payload),
    })
    expect(JSON.parse(post?.form.Payload ?? '')).toMatchObject({
      resource_sid: sinkSid,
      service_sid: null,
      error_code: 91306,
      webhook: { type: 'application/json', response: { status_code: 503, body: 'naïve 👋 & = + %41' } },
    })
    const signature = String(post?.headers['x-twilio-signature'])
    expect(twilio.validateRequest(authToken, signature, handler.url, post?.form ?? {})).toBe(true)
    expect(twilio.validateRequest('1'.repeat(32), signature, handler.url, post?.form ?? {})).toBe(false)
  })

  it.each([
    ['SharedKeys alone', '', { key: 'k1', secret: 'the=first', hash: 'HMAC_SHA256' }],
    ['an auth token beside them', authToken, { key: undefined, secret: authToken, hash: 'HMAC_SHA1' }],
  ] as const)(
    '[TL100] with %s posts are signed as Twilio would, by the verdict of its package',
    async (_, token, signed) => {
      await using handler = await startHandler()
      const bench = createBench()
      const settings = toSettings({ TWILIO_AUTH_TOKEN: token, TWILIO_SHARED_KEYS: 'k1=the=first,k2=second' })
      bench.start({ ...notifierSettings(settings), notifyUrl: handler.url }).failed([failure(START)])
      await handler.until(1)
      const [post] = handler.posts
      const header = post?.headers['x-twilio-webhooks-signature-settings']
      expect(header).toBe(signed.key && `key=${signed.key},algorithm=${signed.hash}`)
      const algorithm = getSignatureAlgorithm(String(header ?? ''))
      expect(algorithm).toBe(signed.hash)
      const isSigned = (secret: string) =>
        validateRequest(
          secret,
          String(post?.headers['x-twilio-signature']),
          handler.url,
          post?.form ?? {},
          algorithm,
        )
      expect([signed.secret, 'second', '1'.repeat(32)].map(isSigned)).toEqual([true, false, false])
    },
  )

  it('[NT203] with NOTIFY_FORMAT=slack it is the one text that Slack takes, its markup escaped', async () => {
    await using handler = await startHandler()
    const bench = createBench()
    const settings = toSettings({ TWILIO_AUTH_TOKEN: authToken, NOTIFY_FORMAT: 'slack' })
    const notifier = bench.start({ ...notifierSettings(settings), notifyUrl: handler.url })
    notifier.failed([failure(START, { reason: 'segment_unauthorized' })])
    await handler.until(1)
    const [post] = handler.posts
    expect(post?.headers['content-type']).toBe('application/json')
    expect(post?.headers['x-twilio-signature']).toBeUndefined()
    const { text, ...more } = JSON.parse(post?.body ?? '')
    expect(more).toEqual({})
    expect(text).toMatch(/^\*Error 913940\* · delivery · segment_unauthorized\nCheck SEGMENT_WRITE_KEY\. /)
    expect(toSlackMessage(withMessage('1 < 2 & <!channel> http://x/?a&b')).text).toContain(
      '1 &lt; 2 &amp; &lt;!channel&gt; http://x/?a&amp;b',
    )
    function withMessage(message: string): Notice {
      const [notice] = bench.notices()
      if (!notice) throw new Error('nothing was told')
      return { ...notice, payload: { ...notice.payload, message } }
    }
  })

  it('[TL2] user and password in NOTIFY_URL go into the Authorization header, and into no log', async () => {
    await using handler = await startHandler(500)
    const bench = createBench()
    const url = handler.url.replace('://', '://nötig:p%40ssw0rd@')
    bench.start({ notifyUrl: url }).failed([failure(START)])
    await handler.until(1)
    const [, basic = ''] = /^Basic (.*)$/.exec(String(handler.posts[0]?.headers.authorization)) ?? []
    expect(Buffer.from(basic, 'base64').toString()).toBe('nötig:p@ssw0rd')
    await until('the complaint', () => complaints(bench).length > 0)
    expect(JSON.stringify(bench.lines)).not.toMatch(/ssw0rd/)
  })

  it.each([500, 404, 302, 'hang'] as const)(
    '[TL3] a handler that answers %s harms nothing: one post a notice, one line in the log',
    async status => {
      await using elsewhere = await startHandler()
      await using handler = await startHandler(status, elsewhere.url)
      const bench = createBench()
      const notifier = bench.start({ notifyUrl: handler.url })
      notifier.failed([failure(START)])
      await handler.until(1)
      bench.clock.pass(EVERY)
      notifier.tick()
      await handler.until(2)
      const expected = status === 'hang' ? 0 : 2
      await until('the complaints', () => complaints(bench).length >= expected)
      expect(handler.posts).toHaveLength(2)
      expect(bench.notices()).toHaveLength(2)
      expect(complaints(bench)).toHaveLength(expected)
      expect(elsewhere.posts).toEqual([])
    },
  )

  it('[TL3] nor does one that is not there', async () => {
    const handler = await startHandler()
    await handler[Symbol.asyncDispose]()
    const bench = createBench()
    bench.start({ notifyUrl: handler.url }).failed([failure(START)])
    await expect.poll(() => bench.lines.at(-1)?.message).toBe('the notice could not be posted to NOTIFY_URL')
    expect(bench.lines.at(-1)?.fields).toMatchObject({ fault: expect.stringContaining('ECONNREFUSED') })
  })
})

describe('how often', () => {
  it('[TL4] one notice for hundreds of failures, and the next after 20 minutes with the sum', () => {
    const bench = createBench()
    const notifier = bench.start()
    for (let second = 0; second < 600; second++) {
      notifier.failed([failure(bench.clock.at)])
      notifier.tick()
      bench.clock.pass(1_000)
    }
    expect(bench.notices()).toHaveLength(1)
    bench.clock.at = START + EVERY
    expect(notifier.tick()).toBe(START + 2 * EVERY)
    expect(bench.notices()).toHaveLength(2)
    expect(bench.notices()[1]?.payload.more_info.counts).toEqual({ segment_failing: 3 * 599 })
  })

  it('[TL4] thousands of failures reported at once are written down once', () => {
    const bench = createBench()
    const notifier = bench.start()
    const writes: string[] = []
    bench.disk.fails = statement => {
      writes.push(statement)
      return false
    }
    const bad = Array.from({ length: 20_000 }, (_, at) =>
      failure(START, {
        reason: at % 2 ? 'body_not_json' : 'schema_rejected',
        count: 1,
        firstId: `EZ${at}`,
        lastId: undefined,
      }),
    )
    notifier.failed(bad)
    expect(writes.length).toBeLessThan(6)
    const [notice] = bench.notices()
    expect(notice?.payload.more_info.counts).toEqual({ body_not_json: 10_000, schema_rejected: 10_000 })
    expect(notice?.payload.more_info).toMatchObject({ first_event_id: 'EZ0', last_event_id: 'EZ19999' })
    notifier.failed([])
    expect(writes.length).toBeLessThan(6)
  })

  it('[TL5] a restart within 20 minutes repeats nothing and forgets nothing', () => {
    const bench = createBench()
    bench.start().failed([failure(START)])
    bench.clock.pass(5 * MINUTE)
    const second = bench.start()
    second.tick()
    second.failed([failure(bench.clock.at)])
    bench.clock.pass(5 * MINUTE)
    const third = bench.start()
    third.tick()
    expect(bench.notices()).toHaveLength(1)
    bench.clock.at = START + EVERY - 1
    third.tick()
    expect(bench.notices()).toHaveLength(1)
    bench.clock.pass(1)
    third.tick()
    expect(bench.notices()[1]?.payload.more_info).toMatchObject({
      counts: { segment_failing: 3 },
      open: [{ component: 'delivery' }],
    })
  })

  it('[TL6] what was told while the outbox could not be written is listed once it can be', () => {
    const bench = createBench()
    bench.disk.fails = () => true
    const notifier = bench.start()
    notifier.failed([failure(START, { reason: 'outbox_unwritable' })])
    expect(bench.notices()).toEqual([])
    bench.disk.fails = () => false
    bench.clock.pass(MINUTE)
    notifier.recovered('outbox')
    notifier.tick()
    expect(bench.notices().map(({ error_code }) => error_code)).toEqual([913909])
  })

  it('[TL6] with an outbox that cannot be written the notice still goes out, once; a restart does not repeat it', async () => {
    await using handler = await startHandler()
    const bench = createBench()
    bench.disk.fails = () => true
    const full: Partial<Failure> = { reason: 'outbox_unwritable', status: undefined, count: 1 }
    const first = bench.start({ notifyUrl: handler.url })
    for (let request = 0; request < 200; request++) first.failed([failure(START, full)])
    await handler.until(1)
    expect(JSON.parse(handler.posts[0]?.form.Payload ?? '')).toMatchObject({ error_code: 913909 })
    expect(bench.lastTold.told).toEqual({ outbox: START })

    for (const minutes of [1, 7, 19]) {
      bench.clock.at = START + minutes * MINUTE
      const again = bench.start({ notifyUrl: handler.url })
      again.failed([failure(bench.clock.at, full)])
      again.tick()
    }
    expect(told(bench)).toHaveLength(1)

    bench.clock.at = START + EVERY
    bench.start({ notifyUrl: handler.url }).failed([failure(bench.clock.at, full)])
    await handler.until(2)
    expect(handler.posts).toHaveLength(2)
    expect(bench.notices()).toEqual([])
    // Hundreds of failed writes, a line in the log for each start.
    const complaints = bench.lines.filter(({ message }) => message.includes('could not be kept'))
    expect(complaints.length).toBeLessThanOrEqual(5)
  })

  it('[TL7] a recovery is told by the next notice that may go out, and ends it', () => {
    const bench = createBench()
    const notifier = bench.start()
    notifier.failed([failure(START)])
    bench.clock.pass(MINUTE)
    notifier.recovered('delivery')
    notifier.recovered('delivery')
    notifier.tick()
    expect(bench.notices()).toHaveLength(1)
    bench.clock.at = START + EVERY
    expect(notifier.tick()).toBeUndefined()
    expect(bench.notices()[1]).toMatchObject({ level: 'Notice', error_code: 913999 })
    bench.clock.pass(10 * EVERY)
    notifier.tick()
    expect(bench.notices()).toHaveLength(2)
    expect(told(bench).map(({ level }) => level)).toEqual(['error', 'warn'])
  })
})

describe('what is never told', () => {
  const numbers = ['+15550100199', '+15550100100', '+34606234664']
  const writeKey = 'notThirtyTwoCharactersLong'
  const secretToken = 'a1b2c3d4'.repeat(4)
  const adminToken = 'correct-horse-battery-staple'

  it('[TL8] no secret and no full phone number stands in a log line, a kept notice or a posted form', async () => {
    await using handler = await startHandler(500)
    const bench = createBench()
    const answer = `{"writeKey":"${writeKey}","message":"no such user ${numbers[2]}, token ${secretToken}, see https://me:secretpw@example.com"}`
    const notifier = bench.start({
      notifyUrl: handler.url,
      signingKey: { setting: 'TWILIO_AUTH_TOKEN', secret: secretToken },
    })
    notifier.failed([failure(START, { answer, firstId: numbers[0], lastId: `whatsapp:${numbers[1]}` })])
    await handler.until(1)
    await until('the complaint', () => complaints(bench).length > 0)
    const everything = JSON.stringify([bench.lines, bench.notices(), handler.posts])
    for (const secret of [...numbers, writeKey, secretToken, 'secretpw'])
      expect(everything).not.toContain(secret)
    expect(everything).not.toContain(encodeURIComponent(numbers[0] ?? ''))
  })

  it('[TL8] nor in what a whole bridge logs, answers as notices and posts when Segment quotes what it was sent', async () => {
    await using handler = await startHandler()
    await using segment = await startSegment()
    segment.fail({
      kind: 'status',
      status: 401,
      body: `key ${writeKey} unknown; Authorization: Basic ${btoa(`${writeKey}:`)}; to ${numbers[0]} from ${numbers[1]}`,
    })
    const dataDir = newDataDir()
    const bridge = await spawnBridge(dataDir, {
      SEGMENT_WRITE_KEY: writeKey,
      SEGMENT_HOST: segment.url,
      NOTIFY_URL: handler.url,
      TWILIO_AUTH_TOKEN: secretToken,
      LOG_LEVEL: 'debug',
      ADMIN_TOKEN: adminToken,
      SINK_SID: sinkSid,
    })
    try {
      await sendEvents(bridge.webhook, [messageStatus({ to: numbers[2] ?? '' })], { token: secretToken })
      await handler.until(1)
      const { notices } = await bridge.api<{ notices: Notice[] }>('/api/notices')
      expect(notices).toMatchObject([
        { error_code: 913940, account_sid: accountSid, payload: { resource_sid: sinkSid } },
      ])
      await expect.poll(() => bridge.stderr.join('\n')).toContain('segment_unauthorized')
      const everything = JSON.stringify([notices, handler.posts, bridge.stderr])
      for (const secret of [...numbers, writeKey, btoa(`${writeKey}:`), secretToken, adminToken]) {
        expect(everything).not.toContain(secret)
      }
    } finally {
      await bridge.kill('SIGTERM')
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})
