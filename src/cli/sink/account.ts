/** Looks up at Twilio what the other files reason about. */
import { CliError } from '../terminal.ts'
import type { EventsApi, Sink, SubscribedType, Subscription } from './api.ts'
import type { Account } from './find.ts'
import type { Pin } from './pins.ts'

export async function readAccount(api: EventsApi): Promise<Account> {
  const [sinks, subscriptions] = await Promise.all([api.sinks(), api.subscriptions()])
  return { sinks, subscriptions }
}

/** A sink has one subscription at most. */
export async function readSubscription(
  api: EventsApi,
  { subscriptions }: Account,
  sink: Sink | undefined,
): Promise<{ subscription: Subscription | undefined; types: readonly SubscribedType[] }> {
  const subscription = subscriptions.find(({ sinkSid }) => sinkSid === sink?.sid)
  return { subscription, types: subscription ? await api.typesOf(subscription.sid) : [] }
}

/** A schema that cannot be looked up is left out: it is a courtesy, and no reason to stop. */
export async function readLatest(api: EventsApi, pins: readonly Pin[]): Promise<ReadonlyMap<string, number>> {
  const schemas = [...new Set(pins.map(({ schema }) => schema))]
  const latest = await Promise.all(schemas.map(schema => optional(api.latestVersion(schema))))
  return new Map(
    schemas.flatMap((schema, index) => {
      const version = latest[index]
      return version === undefined ? [] : [[schema, version] as const]
    }),
  )
}

/** What Twilio offers of these types. */
export type Offered = {
  /** By Twilio's own name of the schema, where it can be looked up. */
  readonly pins: readonly Pin[]
  /** Types that Twilio does not have, no longer sends, or not to everybody: one of them would sink the whole subscription. */
  readonly refused: ReadonlyMap<string, string>
}

export async function readOffered(api: EventsApi, pins: readonly Pin[]): Promise<Offered> {
  const types = await optional(api.types())
  if (types === undefined) return { pins, refused: new Map() }
  const refused = pins.flatMap(({ type }): [string, string][] => {
    const status = types.get(type)?.status ?? 'unknown'
    return status === 'available' || status === 'deprecated' ? [] : [[type, status]]
  })
  return {
    pins: pins.map(pin => ({ ...pin, schema: types.get(pin.type)?.schema ?? pin.schema })),
    refused: new Map(refused),
  }
}

async function optional<T>(looked: Promise<T>): Promise<T | undefined> {
  try {
    return await looked
  } catch (error) {
    if (error instanceof CliError) return undefined
    throw error
  }
}
