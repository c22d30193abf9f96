/**
 * The HTTP tests run once a host: what they use of it is HTTP on loopback, and settings. What only one host can do (files,
 * signals, raw sockets) is tested in files of its own.
 */
import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { type Bridge, startBridge } from './bridge.ts'
import { until } from './patience.ts'
import { type SegmentStandIn, startSegment } from './segment.ts'
import { startWorkers } from './workers.ts'

export type Environment = Readonly<Record<string, string>>

type Started = Omit<Bridge, 'dataDir'> & { stop(): Promise<void> }

/** A bridge with nothing in it, and the Segment it sends to. */
export type Hosted = Started & { readonly segment: SegmentStandIn } & AsyncDisposable

export type Host = {
  readonly name: string
  start(environment?: Environment): Promise<Hosted>
}

const hosts: readonly Host[] = [toHost('Node', startBridge), toHost('Workers', startWorkers)]

function toHost(name: string, start: (environment: Environment) => Promise<Started>): Host {
  return {
    name,
    async start(environment) {
      const segment = await startSegment()
      const settings = {
        ADMIN_TOKEN: 'the-token-of-the-tests',
        SEGMENT_WRITE_KEY: 'key',
        SEGMENT_HOST: segment.url,
        ...environment,
      }
      const bridge = await start(settings)
      const stop = async () => {
        await bridge.stop()
        await segment.close()
      }
      return { ...bridge, segment, stop, [Symbol.asyncDispose]: stop }
    },
  }
}

/**
 * The title of each test ends with the host. On Workers the tests are long (see vitest.config.ts), for each starts a runtime of
 * its own.
 */
export function describeHosts(title: string, tests: (host: Host) => void): void {
  for (const host of hosts) {
    const tags = host.name === 'Workers' ? ['long'] : []
    describe(`${title} (${host.name})`, { tags }, () => tests(host))
  }
}

/** For what `npm test` must hold on Workers too. */
export function describeHostsQuick(title: string, tests: (host: Host) => void): void {
  for (const host of hosts) describe(`${title} (${host.name})`, () => tests(host))
}

/** One bridge for all tests of the block, for those that only add events and ask about their own. */
export function shareBridge(host: Host, environment?: () => Environment): () => Hosted {
  let bridge: Hosted | undefined
  beforeAll(async () => {
    bridge = await host.start(environment?.())
  })
  // What a failed test ordered of Segment must not meet the next one.
  afterEach(() => bridge?.segment.heal())
  afterAll(() => bridge?.stop())
  return () => {
    if (!bridge) throw new Error('The bridge is there from the first test on')
    return bridge
  }
}

export type Reply = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** `undefined` when the text is none. */
  readonly json: unknown
}

export async function toReply(response: Response): Promise<Reply> {
  const { status, headers } = response
  const text = await response.text()
  const isJson = headers.get('content-type')?.startsWith('application/json') && text !== ''
  return { status, headers, text, json: isJson ? JSON.parse(text) : undefined }
}

const TRIES = 10

/**
 * For a body that is answered before it is read: local workerd may then cut the line while the caller still sends. To Twilio
 * that is a failure as any other, and it sends again.
 */
export async function untilAnswered(send: () => Promise<Response>): Promise<Response> {
  for (let tries = 1; ; tries++) {
    try {
      return await send()
    } catch (error) {
      if (tries === TRIES) throw error
    }
  }
}

/** Asks with the admin token; a `body` is sent by POST, as JSON. */
export async function ask(
  bridge: Hosted,
  path: string,
  options: { method?: string; body?: unknown } = {},
): Promise<Reply> {
  const { body, method = body === undefined ? 'GET' : 'POST' } = options
  const response = await fetch(bridge.origin + path, {
    method,
    headers: { authorization: `Bearer ${bridge.adminToken}` },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return toReply(response)
}

export type Summary = {
  readonly key: string
  readonly type: string
  readonly version: number
  readonly state: string
  readonly reason: string | null
  readonly id: string | null
  readonly source: string | null
  readonly customer: string | null
  readonly attempts: number
  readonly occurredAt: string | null
  readonly receivedAt: string
  readonly storedAt: string | null
  readonly triedAt: string | null
  readonly settledAt: string | null
}

export type Detail = Omit<Summary, 'attempts'> & {
  readonly attemptCount: number
  readonly origins: readonly { to: string; from: string | null; note?: string }[]
  readonly received: unknown
  readonly mapped: Readonly<Record<string, unknown>> | null
  readonly faults: readonly { path: string; expected: string; received: string }[]
  readonly answer: string | null
  readonly attempts: readonly {
    at: string
    tookMs: number
    events: number
    reason: string | null
    status: number | null
    answer: string
    headers: Readonly<Record<string, string>>
  }[]
}

export type NoticeJson = {
  readonly level: string
  readonly error_code: number
  readonly payload: {
    readonly message: string
    readonly more_info: {
      readonly component: string
      readonly reason: string
      readonly remedy: string
      readonly counts: Record<string, number>
    }
  }
}

export async function listEvents(bridge: Hosted, query = ''): Promise<Summary[]> {
  return (await bridge.api<{ events: Summary[] }>(`/api/events?${query}`)).events
}

/** The newest event. */
export async function newestEvent(bridge: Hosted): Promise<Detail> {
  const [newest] = await listEvents(bridge, 'limit=1')
  return bridge.api(`/api/events/${newest?.key}`)
}

/** Notices come a moment after the answer that led to them. */
export async function someNotices(bridge: Hosted): Promise<NoticeJson[]> {
  return until('a notice', async () => {
    const { notices } = await bridge.api<{ notices: NoticeJson[] }>('/api/notices')
    return notices.length > 0 && notices
  })
}

/** All events, page by page. */
export async function everyEvent(bridge: Pick<Bridge, 'api'>): Promise<Summary[]> {
  const all: Summary[] = []
  for (let before = ''; ; ) {
    const page = await bridge.api<{ events: Summary[]; next: string | null }>(
      `/api/events?limit=500${before}`,
    )
    all.push(...page.events)
    if (page.next === null) return all
    before = `&before=${page.next}`
  }
}

type Figures = Awaited<ReturnType<Hosted['stats']>>

/** `received = pending + accepted + rejected + refused + skipped`. */
export function sumOfStates({ pending, accepted, rejected, refused, skipped }: Figures): number {
  return pending + accepted + rejected + refused + skipped
}
