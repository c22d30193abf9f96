/** What is wrong with a sink, and what to do about it: a finding a line. In: what was looked up. Pure. */
import { withoutUserinfo } from '../../ingest/url-candidates.ts'
import { type Finding, note, ok, wrong } from '../check/result.ts'
import type { Sink, SubscribedType, Subscription } from './api.ts'
import { type Found, isUsable } from './find.ts'
import { isLoop, knownTypes, missingOf, optInOf, type Pin } from './pins.ts'

export type Diagnosed = {
  readonly destination: string
  /** The setting. */
  readonly sinkSid: string | undefined
  readonly found: Found
  /** Of the own sink. */
  readonly subscription: Subscription | undefined
  readonly types: readonly SubscribedType[]
  /** The subscribed types that the bridge knows, with the versions it knows. */
  readonly pins: readonly Pin[]
  /** Newest version at Twilio, by schema. */
  readonly latest: ReadonlyMap<string, number>
}

export function diagnose(about: Diagnosed): Finding[] {
  const { found } = about
  return [
    ...(found.own ? onOwn(about, found.own) : [onNone(about)]),
    ...found.near.map(({ sink, difference }) =>
      wrong(
        'near miss',
        `${describe(sink)} differs from PUBLIC_URL by ${difference}: its signatures fit nothing`,
        `Set PUBLIC_URL=${shown(sink.destination)} if that sink is meant, or delete it: npx twilio-segment-bridge sink delete ${sink.sid}`,
      ),
    ),
    ...found.twins.map(sink =>
      note(
        'twin',
        `${describe(sink)} delivers to the same place`,
        `Delete it: npx twilio-segment-bridge sink delete ${sink.sid}`,
      ),
    ),
    ...found.former.map(sink =>
      note(
        'former sink',
        `${describe(sink)} delivers to ${shown(sink.destination)}`,
        `Delete it when nothing is needed there any more: npx twilio-segment-bridge sink delete ${sink.sid}`,
      ),
    ),
  ]
}

function onNone({ destination, sinkSid }: Diagnosed): Finding {
  const named = sinkSid ? ` (SINK_SID names ${sinkSid})` : ''
  return wrong(
    'sink',
    `no sink of this account delivers to ${shown(destination)}${named}`,
    'Run "npx twilio-segment-bridge sink create".',
  )
}

function onOwn(about: Diagnosed, own: Sink): Finding[] {
  return [onSink(own), onSid(own, about.sinkSid), ...onSubscription(about, own)].flat()
}

function onSink(own: Sink): Finding[] {
  const again = `A sink cannot be changed: npx twilio-segment-bridge sink delete ${own.sid}, then npx twilio-segment-bridge sink create.`
  if (own.method === 'GET')
    return [wrong('sink', `${describe(own)} is set to GET: the webhook accepts POST`, again)]
  if (!isUsable(own)) return [wrong('sink', `${describe(own)} has the status ${own.status}`, again)]
  const batching = own.isBatching
    ? []
    : [note('batches', 'batch_events is off: Twilio makes one request per event', `For load only. ${again}`)]
  if (own.status !== 'active') {
    const soon = 'If it stays so, delete and create it again.'
    return [note('sink', `${describe(own)} has the status ${own.status}`, soon), ...batching]
  }
  return [ok('sink', `${describe(own)}, active, delivers to ${shown(own.destination)}`), ...batching]
}

function onSid(own: Sink, sinkSid: string | undefined): Finding[] {
  if (sinkSid === own.sid) return []
  const line = `Put SINK_SID=${own.sid} into .env and restart the bridge.`
  return sinkSid
    ? [wrong('SINK_SID', `the setting names ${sinkSid}, but ${own.sid} is what delivers here`, line)]
    : [note('SINK_SID', 'is not set: notices cannot name the sink', line)]
}

function onSubscription({ subscription, types, pins, latest }: Diagnosed, own: Sink): Finding[] {
  if (!subscription || types.length === 0) {
    return [
      wrong(
        'subscription',
        `${own.sid} has no subscribed types: no event will arrive`,
        'Run "npx twilio-segment-bridge sink create".',
      ),
    ]
  }
  const subscribed = new Map(types.map(({ type, version }) => [type, version]))
  const missing = missingOf(new Set(subscribed.keys()))
  const foreign = types.filter(({ type }) => !knownTypes.has(type) || isLoop(type))
  return [
    ok('subscription', `${subscription.sid}: ${count(types.length, 'type')}`),
    ...pins.flatMap(pin => {
      const pinned = subscribed.get(pin.type)
      return pinned === undefined ? [] : [onVersion(pin, pinned, latest.get(pin.schema))]
    }),
    ...missing.map(type =>
      note('not subscribed', type, `Run "npx twilio-segment-bridge sink create", or omit it on purpose.`),
    ),
    ...types.flatMap(({ type }) => {
      const reason = isLoop(type) ? undefined : optInOf(type)
      return reason === undefined ? [] : [note('on request', type, `${reason}.`)]
    }),
    ...foreign.map(({ type }) => onForeign(type, subscription)),
  ]
}

function onVersion({ type, version }: Pin, pinned: number, latest: number | undefined): Finding {
  const wanted = Math.min(version, latest ?? version)
  const state = `${type}: pinned ${pinned}, the bridge knows up to ${version}, Twilio's latest ${latest ?? 'unknown'}`
  if (pinned > version) {
    return note('version', state, 'It is validated by the newest version known; a newer bridge may know it.')
  }
  if (pinned < wanted)
    return note('version', state, `npx twilio-segment-bridge sink create --repin pins it to ${wanted}.`)
  return ok('version', state)
}

function onForeign(type: string, { sid }: Subscription): Finding {
  const remove = `take it out of ${sid} (Twilio Console → Event Streams).`
  if (isLoop(type)) {
    const loop = `${type}: a failing sink logs an error, which is an event for the sink again`
    return wrong('feedback loop', loop, `T${remove.slice(1)}`)
  }
  return note(
    'unsupported type',
    `${type}: stored as skipped, never sent`,
    `Wait for a version of the bridge that knows it, or ${remove}`,
  )
}

function describe({ sid, description }: Sink): string {
  return `${sid} "${description}"`
}

/** Userinfo is a password. */
export function shown(destination: string | undefined): string {
  return withoutUserinfo(destination ?? 'nowhere')
}

export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
