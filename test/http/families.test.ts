/** Every family at the webhook of either host: what names a customer goes out, what names none is skipped with its reason. */
import { expect, it } from 'vitest'
import { toSample } from '../../src/cli/send/samples.ts'
import { families } from '../../src/families/index.ts'
import { toTrack } from '../../src/send/segment/map.ts'
import { ask, describeHosts, listEvents, shareBridge } from '../support/hosts.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const types = families.flatMap(family => (family.skip ? [] : family.types))
const completed = 'com.twilio.voice.status-callback.call.completed'

describeHosts('families', host => {
  const bridge = shareBridge(host, () => ({
    OWN_NUMBERS: '+15550100100',
    USER_ID_FROM: 'data.tags.userId,data.payload.task_attributes.userId',
    EVENT_NAMES: 'title',
  }))

  it('[FM15] a stream of all families with garbage in it: each event in its state, each call out once', async () => {
    const samples = types.map(type => toSample(type))
    const garbage = [
      {},
      7,
      'x',
      { ...messageStatus(), type: 'com.twilio.nothing' },
      messageStatus({ data: { to: '' } }),
    ]
    const sent = samples.flatMap((sample, index) => [sample, garbage[index % garbage.length]])
    for (let at = 0; at < sent.length; at += 50) await sendEvents(bridge().webhook, sent.slice(at, at + 50))
    const stats = await bridge().until(({ pending }) => pending === 0)
    const going = samples.filter(sample => toTrack(sample, 0).ok)
    expect(stats.accepted).toBe(going.length)
    expect(stats.received + stats.duplicates).toBe(sent.length)
    expect(new Set(bridge().segment.events.map(({ messageId }) => messageId))).toEqual(
      new Set(going.map(({ id }) => id)),
    )
    const skipped = await listEvents(bridge(), 'reason=no_customer&limit=500')
    expect(skipped).toHaveLength(samples.length - going.length)
  })

  it('[FM15] what is skipped on purpose is no failure: no notice tells of it', async () => {
    const { status, text } = await ask(bridge(), '/api/notices')
    expect(status).toBe(200)
    expect(text).toContain('not_a_cloudevent')
    expect(text).not.toContain('no_customer')
  })

  it('[FM12] EVENT_NAMES=title gives the readable name, and a family may be asked for as a whole', async () => {
    const call = bridge().segment.events.find(
      ({ properties }) => properties.sid !== undefined && 'request' in properties,
    )
    expect(call?.event).toMatch(/^[A-Z][\w ]+$/)
    const calls = await listEvents(bridge(), 'type=com.twilio.studio.*&limit=500')
    expect(new Set(calls.map(({ type }) => type)).size).toBe(3)
    expect(calls.every(({ type }) => type.startsWith('com.twilio.studio.'))).toBe(true)
  })

  it('[FM8] [FM4] the settings count at the webhook: userId, and own numbers', async () => {
    const tagged = messageStatus({ data: { tags: { userId: 'user_42' } } })
    const dial = toSample(completed)
    const parameters = { Direction: 'outbound-dial', From: '+15550100100', To: '+15551230001' }
    const foreign = { ...dial, id: `${dial.id}-a`, data: { ...dial.data, request: { parameters } } }
    await sendEvents(bridge().webhook, [tagged, foreign])
    await bridge().until(({ pending }) => pending === 0)
    const byId = (id: string) => bridge().segment.events.find(({ messageId }) => messageId === id)
    expect(byId(tagged.id)).toMatchObject({ userId: 'user_42' })
    expect(byId(foreign.id)).toMatchObject({ context: { externalIds: [{ id: '+15551230001' }] } })
  })

  it('[FM14] a backlog of type_unmapped is retried in bulk and goes out', async () => {
    const backlog = Array.from({ length: 450 }, () => toSample(completed))
    const receivedAt = new Date().toISOString()
    const lines = backlog.map(event => ({
      ...{ bridge: 1, state: 'skipped', reason: 'type_unmapped', receivedAt, settledAt: receivedAt, event },
    }))
    expect((await ask(bridge(), '/api/import', { method: 'POST', body: lines })).json).toMatchObject({
      stored: 450,
    })
    const body = { state: 'skipped', reason: 'type_unmapped', type: 'com.twilio.voice.*' }
    const { json } = await ask(bridge(), '/api/dead-letters/retry', { method: 'POST', body })
    expect(json).toMatchObject({ matched: 450, ready: 450, done: 450 })
    await bridge().until(({ pending }) => pending === 0)
    const arrived = new Set(bridge().segment.events.map(({ messageId }) => messageId))
    expect(backlog.filter(({ id }) => !arrived.has(id))).toEqual([])
  })

  it('[FM220] a retry of an event without a customer gives it that reason, alone and in bulk', async () => {
    const dial = toSample(completed)
    const parameters = { Direction: 'inbound', From: 'anonymous', To: '+15550100100' }
    const receivedAt = new Date().toISOString()
    const stale = [
      ['skipped', 'type_unmapped', 'c'],
      ['skipped', 'type_unmapped', 'd'],
      ['rejected', 'schema_rejected', 'e'],
    ].map(([state, reason, end]) => ({
      ...{ bridge: 1, state, reason, receivedAt, settledAt: receivedAt },
      event: { ...dial, id: `${dial.id}-${end}`, data: { ...dial.data, request: { parameters } } },
    }))
    await ask(bridge(), '/api/import', { method: 'POST', body: stale })
    const find = async (end: string) => (await listEvents(bridge(), `q=${dial.id}-${end}`))[0]
    const alone = await ask(bridge(), `/api/events/${(await find('c'))?.key}/retry`, { method: 'POST' })
    expect([alone.status, alone.json]).toMatchObject([409, { state: 'skipped', reason: 'no_customer' }])
    expect(await find('c')).toMatchObject({ state: 'skipped', reason: 'no_customer' })
    for (const state of ['skipped', 'rejected']) {
      const reason = state === 'skipped' ? 'type_unmapped' : 'schema_rejected'
      const body = { state, reason, type: completed }
      const asked = { method: 'POST', body: { ...body, preview: true } }
      expect((await ask(bridge(), '/api/dead-letters/retry', asked)).json).toMatchObject({
        matched: 1,
        done: 0,
      })
      const { json } = await ask(bridge(), '/api/dead-letters/retry', { method: 'POST', body })
      expect(json).toMatchObject({ matched: 1, ready: 0, done: 0 })
      expect((await ask(bridge(), '/api/dead-letters/retry', asked)).json).toMatchObject({ matched: 0 })
    }
    for (const end of ['d', 'e'])
      expect(await find(end)).toMatchObject({ state: 'skipped', reason: 'no_customer' })
  })

  it('[FM15] who is not named at the webhook is told why a retry does not go', async () => {
    const dial = toSample(completed)
    const parameters = { Direction: 'inbound', From: 'anonymous', To: '+15550100100' }
    await sendEvents(bridge().webhook, [
      { ...dial, id: `${dial.id}-b`, data: { ...dial.data, request: { parameters } } },
    ])
    const [event] = await listEvents(bridge(), `q=${dial.id}-b`)
    expect(event).toMatchObject({
      state: 'skipped',
      reason: 'no_customer',
      customer: null,
    })
    expect((await ask(bridge(), `/api/events/${event?.key}`)).json).toMatchObject({ name: 'Call Completed' })
    const { status, json } = await ask(bridge(), `/api/events/${event?.key}/retry`, { method: 'POST' })
    expect({ status, json }).toMatchObject({ status: 409, json: { done: false, reason: 'no_customer' } })
  })
})
