/** What people see and change of the deliveries of an event, by the names of destinations; the store is real, nothing is sent. */
import { expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { toStatus } from '../../src/admin/status.ts'
import { allCalm, toStanding } from '../../src/alerts/throttle.ts'
import { openBridge } from '../../src/bridge.ts'
import { findOne } from '../../src/cli/dead-letters/find.ts'
import { toPage } from '../../src/cli/dead-letters/show.ts'
import type { OutboxAccess } from '../../src/cli/outbox-access.ts'
import { isObject } from '../../src/event/event.ts'
import { asDefault } from '../../src/event/mapping.ts'
import { openSqlite } from '../../src/hosts/node/sqlite.ts'
import { createApi } from '../../src/http/admin-routes.ts'
import type { RouteEvent } from '../../src/outbox/deliveries.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import type { Target } from '../../src/outbox/store.ts'
import { toSettings } from '../support/bridge.ts'
import { DAY, deliverTo, requestRow, START, segmentAs } from '../support/dispatcher.ts'
import { authToken, messageStatus } from '../support/twilio.ts'

const kept = [
  { name: 'segment', scope: 'segment', tag: '' },
  { name: 'acme', scope: 'segment', tag: 'acme' },
]
const refused = { state: 'refused', reason: 'segment_refused', detail: 'bad traits' } as const
const accepted = { state: 'accepted' } as const
const toBoth: RouteEvent = () => [1, 2].map(destination => ({ destination, filtered: false }))

function open(route: RouteEvent = toBoth, configured = kept) {
  const sql = openSqlite(':memory:')
  onTestFinished(() => sql.close())
  const outbox = createOutbox(sql, { retentionMs: 30 * DAY, dedupeMs: DAY })
  outbox.keepDestinations(kept, START)
  outbox.routeTo(route)
  const settings = toSettings({ TWILIO_AUTH_TOKEN: authToken, SEGMENT_WRITE_KEY: 'key' })
  const silent = () => undefined
  const { admin, dispatcher } = openBridge(
    outbox,
    configured.map(({ name }, index) => ({
      id: index + 1,
      destination: { ...segmentAs(deliverTo('http://127.0.0.1:9')), name },
    })),
    settings,
    {
      log: { debug: silent, info: silent, warn: silent, error: silent },
      now: () => START + 1_000,
      random: Math.random,
      openNotifier: () => ({
        ...{ failed: silent, recovered: silent, verified: silent, tick: silent },
        standing: () => toStanding(allCalm, 0),
      }),
    },
  )
  const api = createApi(admin, asDefault)
  const access: OutboxAccess = {
    name: 'the outbox',
    request: async (path, init) => api.request(path, init),
    close: () => sql.close(),
  }
  const json = async (response: Response): Promise<unknown> => {
    const body: unknown = await response.json()
    return isObject(body) ? { status: response.status, ...body } : body
  }
  return {
    ...{ outbox, access, admin },
    take(...events: readonly object[]) {
      dispatcher.append([requestRow(events, START)])
      dispatcher.indexPending()
    },
    settle(destination: number, to: Target, limit = 100) {
      const claimed = outbox.claim({ destination, limit, characters: 1e9 })
      outbox.settle(
        claimed.map(event => ({ event, ...to, tries: { attempts: 1, triedAt: START } })),
        START + 5,
      )
      const [first] = claimed
      const last = claimed.at(-1)
      if (!first || !last) throw new Error('nothing waits there')
      const of = { destination, at: START, tookMs: 3, events: claimed.length, first, last }
      outbox.recordAttempt({ ...of, reason: to.reason ?? null, status: 200, answer: `of ${destination}` })
    },
    get: async (path: string) => json(await access.request(path)),
    post: async (path: string, body?: object) =>
      json(await access.request(path, { method: 'POST', ...(body && { body: JSON.stringify(body) }) })),
    statesOf: (position = 0) =>
      outbox
        .get({ request: 1, position })
        ?.deliveries.map(({ destination, state }) => `${destination} ${state}`),
  }
}

it('[AP220] an event shows each delivery by the name of its destination, with its state, messageId and attempts', async () => {
  const { take, settle, get } = open()
  const event = messageStatus()
  take(event)
  settle(2, refused)
  expect(await get('/events/1-0')).toMatchObject({
    ...{ status: 200, state: 'pending', attemptCount: 1 },
    attempts: [{ destination: 'acme', answer: 'of 2' }],
    deliveries: [
      { destination: 'segment', state: 'pending', reason: null, attempts: 0, messageId: event.id },
      {
        ...{ destination: 'acme', state: 'refused', reason: 'segment_refused', answer: 'bad traits' },
        ...{ attempts: 1, messageId: `${event.id}.acme`, settledAt: new Date(START + 5).toISOString() },
      },
    ],
  })
})

it('[AP220] what no destination gets has no delivery', async () => {
  const { take, get } = open(() => [])
  take(messageStatus())
  expect(await get('/events/1-0')).toMatchObject({
    state: 'skipped',
    reason: 'no_destination',
    deliveries: [],
  })
})

it('[AP220] the command shows deliveries when there are several', async () => {
  const show = async (route: RouteEvent) => {
    const { take, settle, access } = open(route)
    take(messageStatus())
    settle(2, refused)
    return toPage(await findOne(access, '1-0')).join('\n')
  }
  const page = await show(toBoth)
  expect(page).toMatch(
    /Deliveries\n {2}segment {2}pending {2}0 attempts {2}messageId EZ\w+\n {2}acme {5}refused: /,
  )
  expect(page).toMatch(/Attempts\n.* acme {2}200/)
  expect(await show(() => [{ destination: 2, filtered: false }])).not.toMatch(/Deliveries|acme/)
})

const Listed = z.object({ events: z.array(z.object({ key: z.string(), state: z.string() })) })

it('[AP221] the list and the dead letters of one destination are those of its deliveries', async () => {
  const { take, settle, get } = open()
  take(messageStatus(), messageStatus())
  settle(2, refused, 1)
  const list = async (query: string) => Listed.parse(await get(`/events?${query}`)).events
  expect(await list('destination=acme&state=refused')).toEqual([{ key: '1-0', state: 'refused' }])
  expect(await list('destination=segment&state=refused')).toEqual([])
  expect(await list('destination=acme')).toHaveLength(2)
  expect(await get('/dead-letters')).toMatchObject({ groups: [] })
  expect(await get('/dead-letters?destination=acme')).toMatchObject({
    groups: [{ state: 'refused', reason: 'segment_refused', count: 1, samples: [{ key: '1-0' }] }],
  })
  const unknown = { status: 404, message: expect.stringContaining('there are: segment, acme') }
  for (const path of ['/events?destination=nobody', '/dead-letters?destination=nobody'])
    expect(await get(path)).toMatchObject(unknown)
})

it('[AP222] retry, drop and resend of one destination leave the deliveries of the others', async () => {
  const { take, settle, post, statesOf } = open()
  take(messageStatus(), messageStatus())
  settle(1, accepted)
  settle(2, refused)
  expect(await post('/dead-letters/drop', { destination: 'segment' })).toMatchObject({ matched: 0, done: 0 })
  expect(await post('/events/1-0/drop?destination=acme')).toMatchObject({ done: true, state: 'skipped' })
  expect([statesOf(0), statesOf(1)]).toEqual([
    ['1 accepted', '2 skipped'],
    ['1 accepted', '2 refused'],
  ])
  expect(await post('/events/1-1/retry?destination=segment')).toMatchObject({
    ...{ status: 409, state: 'accepted', reason: 'not_a_dead_letter' },
  })
  expect(await post('/dead-letters/retry', { destination: 'acme', state: 'refused' })).toMatchObject({
    done: 1,
  })
  expect(statesOf(1)).toEqual(['1 accepted', '2 pending'])
  settle(2, accepted)
  const span = { since: '2020-01-01T00:00:00Z', until: '2030-01-01T00:00:00Z' }
  expect(await post('/events/resend', { ...span, destination: 'acme' })).toMatchObject({
    matched: 1,
    done: 1,
  })
  expect([statesOf(0), statesOf(1)]).toEqual([
    ['1 accepted', '2 skipped'],
    ['1 accepted', '2 pending'],
  ])
  expect(await post('/events/1-0/resend?destination=nobody')).toMatchObject({ status: 404 })
  expect(await post('/dead-letters/retry', { destination: 'nobody' })).toMatchObject({ status: 404 })
})

it('[AP222] a retry of what one destination refused does not send what was skipped at another', async () => {
  const { take, settle, post, statesOf } = open()
  take(messageStatus(), messageStatus())
  settle(1, { state: 'skipped', reason: 'filtered' })
  settle(2, refused)
  expect(await post('/events/1-0/retry')).toMatchObject({ done: true })
  expect(await post('/dead-letters/retry', {})).toMatchObject({ done: 1 })
  expect([statesOf(0), statesOf(1)]).toEqual([
    ['1 skipped', '2 pending'],
    ['1 skipped', '2 pending'],
  ])
})

it('[AP223] a destination that left the file says how many events wait for it, until they are dropped', async () => {
  const { admin, outbox, take } = open(toBoth, kept.slice(0, 1))
  const lines = () =>
    toStatus(admin.status(), [], START).lines.filter(({ text }) => text.includes('destinations file'))
  take(messageStatus(), messageStatus())
  expect(lines()).toEqual([])
  outbox.keepDestinations(kept.slice(0, 1), START)
  expect(lines()).toMatchObject([
    { name: 'acme', level: 'warning', text: expect.stringContaining('2 events still wait') },
  ])
  // Of one that is there, only dead letters are given up.
  expect(await admin.changeMany('drop', { destination: 'segment' })).toMatchObject({ matched: 0 })
  expect(await admin.changeMany('drop', { destination: 'acme', preview: true })).toMatchObject({
    ready: 2,
    done: 0,
  })
  expect(await admin.changeMany('drop', { destination: 'acme' })).toMatchObject({ matched: 2, done: 2 })
  expect(lines()).toEqual([])
  const of = (id: number) => outbox.figures().destinations.find(({ destination }) => destination === id)
  expect([of(1), of(2)]).toMatchObject([{ pending: 2 }, { pending: 0, skipped: 2 }])
})
