/**
 * Twilio's Events API (events.twilio.com/v1) through the `twilio` package, as far as one sink needs it. The package is heavy:
 * it is loaded here, when a command calls for it, and nowhere else. Every failure comes out as a Stop with a sentence.
 */
import type RequestClient from 'twilio/lib/base/RequestClient.js'
import * as z from 'zod'
import type { Credentials } from '../twilio-credentials.ts'
import { toStop } from './errors.ts'
import type { Pin } from './pins.ts'

export type Sink = {
  readonly sid: string
  readonly description: string
  readonly type: string
  /** initialized, validating, active or failed. */
  readonly status: string
  /** Of a webhook. */
  readonly destination: string | undefined
  readonly method: string | undefined
  readonly isBatching: boolean
}
export type SubscribedType = Pick<Pin, 'type' | 'version'>
export type Subscription = { readonly sid: string; readonly sinkSid: string; readonly description: string }

export type EventsApi = {
  sinks(): Promise<Sink[]>
  subscriptions(): Promise<Subscription[]>
  typesOf(subscriptionSid: string): Promise<SubscribedType[]>
  createSink(description: string, destination: string): Promise<Sink>
  createSubscription(description: string, sinkSid: string, pins: readonly Pin[]): Promise<Subscription>
  addType(subscriptionSid: string, pin: Pin): Promise<void>
  changeVersion(subscriptionSid: string, pin: Pin): Promise<void>
  /** Twilio sends the test event a second or two later. */
  test(sinkSid: string): Promise<void>
  deleteSubscription(sid: string): Promise<void>
  deleteSink(sid: string): Promise<void>
  latestVersion(schema: string): Promise<number>
  /** Every type there is. */
  types(): Promise<ReadonlyMap<string, OfferedType>>
  /** The account's numbers: the business's own. */
  ownNumbers(): Promise<readonly string[]>
}

/** `status`: available, deprecated, restricted or discontinued. */
export type OfferedType = { readonly schema: string; readonly status: string }

export type Connect = (credentials: Credentials) => Promise<EventsApi>

// The API names them so; `batch_events` has come back as a text too.
const WebhookConfiguration = z.looseObject({
  destination: z.string().optional(),
  method: z.string().optional(),
  batch_events: z.union([z.boolean(), z.stringbool()]).optional(),
})

/** `httpClient`: for tests, which bring an API of their own. */
export async function connect(
  { accountSid, username, password }: Credentials,
  httpClient?: RequestClient,
): Promise<EventsApi> {
  const { default: twilio } = await import('twilio')
  const client = twilio(username, password, {
    accountSid,
    autoRetry: true,
    ...(httpClient && { httpClient }),
  })
  const { eventTypes, schemas, sinks, subscriptions } = client.events.v1

  return {
    sinks: () => told('list the sinks', async () => (await sinks.list()).map(toSink)),
    subscriptions: () =>
      told('list the subscriptions', async () => (await subscriptions.list()).map(toSubscription)),
    typesOf: sid =>
      told('list the subscribed types', async () =>
        (await subscriptions(sid).subscribedEvents.list()).map(({ type, schemaVersion }) => ({
          type,
          version: schemaVersion,
        })),
      ),
    createSink: (description, destination) =>
      told('create the sink', async () => {
        const sinkConfiguration = { destination, method: 'POST', batch_events: true }
        return toSink(await sinks.create({ description, sinkType: 'webhook', sinkConfiguration }))
      }),
    createSubscription: (description, sinkSid, pins) =>
      told('create the subscription', async () => {
        const types = pins.map(({ type, version }) => ({ type, schema_version: version }))
        return toSubscription(await subscriptions.create({ description, sinkSid, types }))
      }),
    addType: (sid, { type, version }) =>
      told(`subscribe to ${type}`, async () => {
        await subscriptions(sid).subscribedEvents.create({ type, schemaVersion: version })
      }),
    changeVersion: (sid, { type, version }) =>
      told(`pin ${type} to version ${version}`, async () => {
        await subscriptions(sid).subscribedEvents(type).update({ schemaVersion: version })
      }),
    test: sid => told('send the test event', async () => void (await sinks(sid).sinkTest.create())),
    deleteSubscription: sid =>
      told(`delete the subscription ${sid}`, async () => void (await subscriptions(sid).remove())),
    deleteSink: sid => told(`delete the sink ${sid}`, async () => void (await sinks(sid).remove())),
    latestVersion: schema =>
      told(`look up the schema ${schema}`, async () => (await schemas(schema).fetch()).latestVersion),
    types: () =>
      told('list the event types', async () => {
        const types = await eventTypes.list()
        return new Map(
          types.map(({ type, schemaId, status }) => [
            type,
            { schema: schemaId, status: status ?? 'available' },
          ]),
        )
      }),
    ownNumbers: () =>
      told("list the account's numbers", async () =>
        (await client.incomingPhoneNumbers.list()).map(({ phoneNumber }) => phoneNumber),
      ),
  }
}

async function told<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toStop(what, error)
  }
}

type SinkInstance = {
  readonly sid: string
  readonly description: string
  readonly sinkType: string
  readonly status: string
  readonly sinkConfiguration: unknown
}

function toSink({ sid, description, sinkType, status, sinkConfiguration }: SinkInstance): Sink {
  const { data } = WebhookConfiguration.safeParse(sinkConfiguration)
  return {
    sid,
    description,
    type: sinkType,
    status,
    destination: data?.destination,
    method: data?.method?.toUpperCase(),
    isBatching: data?.batch_events ?? false,
  }
}

function toSubscription({ sid, sinkSid, description }: Subscription): Subscription {
  return { sid, sinkSid, description }
}
