/** What an account of the stand-in holds, and what may be done to it: sinks, subscriptions, their types. */
import { randomBytes } from 'node:crypto'
import { accountSid } from './twilio.ts'
import { ApiError, type Page, toPage } from './twilio-api-answers.ts'
import type { CatalogueEntry } from './twilio-api-catalogue.ts'

export type StoredSink = {
  readonly sid: string
  description: string
  readonly sink_type: string
  status: string
  readonly sink_configuration: Record<string, unknown>
}
export type StoredSubscription = {
  readonly sid: string
  readonly description: string
  readonly sink_sid: string
  readonly types: Map<string, number>
}

export type Store = ReturnType<typeof createStore>

const MAX_SINKS = 100

/** `deliverTest`: to the destination, soon. */
export function createStore(
  catalogue: readonly CatalogueEntry[],
  pageSize: number,
  deliverTest: (destination: string) => void,
) {
  const sinks = new Map<string, StoredSink>()
  const subscriptions = new Map<string, StoredSubscription>()
  const types = new Map(catalogue.map(entry => [entry.type, entry]))

  function addSink(sink: Partial<StoredSink> = {}): StoredSink {
    const sid = `DG${randomBytes(16).toString('hex')}`
    const sink_configuration = {
      destination: 'https://bridge.example/webhooks/twilio',
      method: 'post',
      batch_events: true,
    }
    const added = {
      sid,
      description: 'a sink',
      sink_type: 'webhook',
      status: 'active',
      sink_configuration,
      ...sink,
    }
    sinks.set(added.sid, added)
    return added
  }

  function subscribe(sinkSid: string, pinned: Readonly<Record<string, number>>): StoredSubscription {
    const sid = `DF${randomBytes(16).toString('hex')}`
    const added = {
      sid,
      description: 'a subscription',
      sink_sid: sinkSid,
      types: new Map(Object.entries(pinned)),
    }
    subscriptions.set(sid, added)
    return added
  }

  function createSink(form: URLSearchParams): unknown {
    if (sinks.size >= MAX_SINKS)
      throw new ApiError(400, 91003, 'Sink could not be created: maximum number of sinks reached')
    const configuration = parse(form.get('SinkConfiguration'))
    const { destination, method = 'POST', batch_events = false } = configuration
    if (typeof destination !== 'string' || !URL.canParse(destination))
      throw new ApiError(400, 91000, 'Sink could not be created')
    return toSinkJson(
      addSink({
        description: form.get('Description') ?? '',
        sink_type: form.get('SinkType') ?? '',
        // A webhook needs no validation.
        status: form.get('SinkType') === 'webhook' ? 'active' : 'initialized',
        sink_configuration: { ...configuration, method: String(method).toLowerCase(), batch_events },
      }),
    )
  }

  function createSubscription(form: URLSearchParams): unknown {
    const sink = found(sinks, form.get('SinkSid'), 91001, 'Sink not found')
    if (sink.status !== 'active')
      throw new ApiError(400, 91100, 'Subscription could not be created: sink is not active')
    if ([...subscriptions.values()].some(({ sink_sid }) => sink_sid === sink.sid)) {
      throw new ApiError(400, 91100, `Subscription could not be created: Sink with SID ${sink.sid} is in use`)
    }
    const given = form.getAll('Types').map(toType)
    if (given.length === 0) throw new ApiError(400, 91103, 'Event type list is empty')
    if (new Set(given.map(({ type }) => type)).size < given.length)
      throw new ApiError(400, 91101, 'Duplicate event types')
    return toSubscriptionJson(
      subscribe(sink.sid, Object.fromEntries(given.map(({ type, version }) => [type, version]))),
    )
  }

  /** One JSON object a key: an array is what people send first, and Twilio misses its type. */
  function toType(json: string): { type: string; version: number } {
    const { type, schema_version } = parse(json)
    if (typeof type !== 'string')
      throw new ApiError(400, 20001, 'Missing required input parameter event_types[0].type')
    return { type, version: checkVersion(type, schema_version) }
  }

  function checkVersion(type: string, version: unknown): number {
    const known = types.get(type)
    if (!known) throw new ApiError(404, 91104, `Event type ${type} not found`)
    if (known.status === 'restricted') throw new ApiError(403, 20409, `Event type ${type} is restricted`)
    if (known.status === 'discontinued') throw new ApiError(400, 91101, `Event type ${type} is discontinued`)
    const number = version === undefined || version === null ? 1 : Number(version)
    if (!(number >= 1 && number <= known.latest))
      throw new ApiError(400, 91101, `Schema version ${number} of ${type} does not exist`)
    return number
  }

  function testSink(sid: string): unknown {
    deliverTest(String(found(sinks, sid, 91001, 'Sink not found').sink_configuration.destination))
    return { result: 'submitted' }
  }

  function changeTypes(
    method: string,
    sid: string,
    type: string | undefined,
    form: URLSearchParams,
  ): unknown {
    const subscription = found(subscriptions, sid, 91102, 'Subscription not found')
    const version = form.get('SchemaVersion') ?? undefined
    const answer = (name: string) => ({
      type: name,
      schema_version: subscription.types.get(name),
      subscription_sid: sid,
    })
    if (type === undefined && method === 'GET') return [...subscription.types.keys()].map(answer)
    const name = type ?? form.get('Type') ?? ''
    if (type === undefined && subscription.types.has(name))
      throw new ApiError(400, 91101, 'Duplicate event types')
    if (type !== undefined && !subscription.types.has(name))
      throw new ApiError(404, 20404, 'The requested resource was not found')
    subscription.types.set(name, checkVersion(name, version))
    return answer(name)
  }

  function route(method: string, path: string, form: URLSearchParams, query: URLSearchParams): unknown {
    const [kind, sid = '', more, type] = path.split('/').slice(2).map(decodeURIComponent)
    const page = (key: string, all: readonly unknown[]): Page => toPage(key, all, query, path, pageSize)
    switch (`${method} ${kind}${sid && '/:sid'}${more ? `/${more}` : ''}${type ? '/:type' : ''}`) {
      case 'GET Sinks':
        return page('sinks', [...sinks.values()].map(toSinkJson))
      case 'POST Sinks':
        return createSink(form)
      case 'GET Sinks/:sid':
        return toSinkJson(found(sinks, sid, 91001, 'Sink not found'))
      case 'POST Sinks/:sid': {
        // Whatever else is asked for: nothing but the description changes.
        const sink = found(sinks, sid, 91001, 'Sink not found')
        sink.description = form.get('Description') ?? sink.description
        return toSinkJson(sink)
      }
      case 'DELETE Sinks/:sid':
        found(sinks, sid, 91001, 'Sink not found')
        if ([...subscriptions.values()].some(({ sink_sid }) => sink_sid === sid))
          throw new ApiError(400, 91007, 'Sink still in use')
        sinks.delete(sid)
        return undefined
      case 'POST Sinks/:sid/Test':
        return testSink(sid)
      case 'GET Subscriptions':
        return page('subscriptions', [...subscriptions.values()].map(toSubscriptionJson))
      case 'POST Subscriptions':
        return createSubscription(form)
      case 'DELETE Subscriptions/:sid':
        found(subscriptions, sid, 91102, 'Subscription not found')
        subscriptions.delete(sid)
        return undefined
      case 'GET Subscriptions/:sid/SubscribedEvents':
        return page('types', changeTypes(method, sid, undefined, form) as unknown[])
      case 'POST Subscriptions/:sid/SubscribedEvents':
      case 'POST Subscriptions/:sid/SubscribedEvents/:type':
        return changeTypes(method, sid, type, form)
      case 'GET Types':
        return page(
          'types',
          catalogue
            .filter(({ schema }) => schema === (query.get('SchemaId') ?? schema))
            .map(entry => ({ type: entry.type, schema_id: entry.schema, status: entry.status })),
        )
      case 'GET Schemas/:sid': {
        const latest = catalogue.find(({ schema }) => schema === sid)?.latest
        if (latest === undefined)
          throw new ApiError(404, 20404, `The requested resource ${path} was not found`)
        return { id: sid, latest_version: latest }
      }
      default:
        throw new ApiError(404, 20404, `The requested resource ${path} was not found`)
    }
  }

  return { sinks, subscriptions, addSink, subscribe, route }
}

function toSinkJson(sink: StoredSink): unknown {
  return {
    ...sink,
    date_created: '2026-01-02T03:04:05Z',
    date_updated: '2026-01-02T03:04:05Z',
    url: `https://events.twilio.com/v1/Sinks/${sink.sid}`,
  }
}

function toSubscriptionJson({ types: _, ...subscription }: StoredSubscription): unknown {
  return {
    ...subscription,
    account_sid: accountSid,
    date_created: '2026-01-02T03:04:05Z',
    date_updated: '2026-01-02T03:04:05Z',
  }
}

function found<T>(map: ReadonlyMap<string, T>, sid: string | null, code: number, message: string): T {
  const one = map.get(sid ?? '')
  if (!one) throw new ApiError(404, code, message)
  return one
}

function parse(json: string | null): Record<string, unknown> {
  try {
    return JSON.parse(json ?? '')
  } catch {
    throw new ApiError(400, 91201, 'Bad Request')
  }
}
