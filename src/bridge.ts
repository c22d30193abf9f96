/**
 * The whole path on one screen.
 *
 *   Twilio ─▶ http ─▶ ingest/receive: authenticate → decode → validate ─▶ OutboxClient.put ─2xx─▶ Twilio
 *                                                                            │ a thread, an RPC, or nothing lies between
 *   openBridge, where the events are stored:       dispatcher.append ◀───────┘
 *       deliverNextBatch: index → claim → map → pack → deliver ─▶ destination
 *                                                  └ failures ─▶ notifier ─▶ operator
 *       admin: figures, lists, dead letters, export, import ◀─ OutboxClient ◀─ http, cli
 */
import { type Admin, createAdmin } from './admin/admin.ts'
import { type About, createNotifier, type NotifierParts, notifierSettings } from './alerts/notifier.ts'
import { createStateLog } from './alerts/state-log.ts'
import type { Settings } from './config.ts'
import { toMapping } from './event/mapping.ts'
import type { Outbox } from './ingest/receive.ts'
import { readKept } from './outbox/kept-state.ts'
import type { OutboxAtHand } from './outbox/store.ts'
import type { Awaitable } from './runtime.ts'
import type { OpenDestination } from './send/destination.ts'
import {
  createDispatcher,
  type Dispatcher,
  type DispatcherNotifier,
  type DispatcherParts,
} from './send/dispatcher.ts'
import { createOutboxMeters } from './stats/metrics.ts'

export type Bridge = { readonly dispatcher: Dispatcher; readonly admin: Admin }

/** What the owner of a store brings: a worker thread, a Durable Object, a command, a test. */
export type BridgeRuntime = Omit<DispatcherParts, 'settings' | 'outbox' | 'destinations' | 'observe'> & {
  /** Stands before the dispatcher, such as one that stops it while the file may be damaged. */
  readonly guard?: (dispatcher: Dispatcher) => Dispatcher
  /** What the store cannot say, for it stands in for a file that cannot be opened. */
  readonly unreadable?: readonly string[]
}

export function openBridge(
  store: OutboxAtHand,
  destinations: readonly OpenDestination[],
  settings: Settings,
  { guard = dispatcher => dispatcher, unreadable, ...runtime }: BridgeRuntime,
): Bridge {
  const meters = createOutboxMeters()
  const dispatcher = guard(
    createDispatcher({ ...runtime, settings, outbox: store, destinations, observe: meters.observe }),
  )
  return {
    dispatcher,
    admin: createAdmin(store, dispatcher, meters, runtime.now, { mapping: toMapping(settings), unreadable }),
  }
}

type Reporting = Pick<NotifierParts, 'digests' | 'send' | 'now' | 'log' | 'lastTold' | 'keepEveryMs'>

/** For a bridge whose one store keeps the clocks of its notices. */
export function notifyFrom(store: OutboxAtHand, settings: Settings, reporting: Reporting) {
  return (about: () => About): DispatcherNotifier =>
    createNotifier({
      ...notifierSettings(settings),
      ...reporting,
      store,
      about,
      read: (name, schema, fallback) => readKept(store, name, schema, fallback),
      changes: createStateLog(reporting.log),
    })
}

/** The admin over whatever lies between: it may have to be waited for. */
export type AdminClient = {
  readonly [Name in keyof Admin]: (
    ...args: Parameters<Admin[Name]>
  ) => Awaitable<Awaited<ReturnType<Admin[Name]>>>
}

/** All that HTTP asks of the outbox's side. */
export type OutboxClient = Outbox & AdminClient
