/** What `sink create` has to do. In: what the account has and what is wanted. Out: the steps that are missing. Pure. */
import { CliError } from '../terminal.ts'
import type { Sink, SubscribedType, Subscription } from './api.ts'
import { isUsable } from './find.ts'
import type { Pin } from './pins.ts'

export type Wanted = {
  readonly pins: readonly Pin[]
  /** Newest version at Twilio, by schema. */
  readonly latest: ReadonlyMap<string, number>
  /** Types that Twilio would refuse, and why. */
  readonly refused: ReadonlyMap<string, string>
  /** Also move types that are pinned to an older version. */
  readonly repin: boolean
}

export type Present = {
  readonly own: Sink | undefined
  readonly subscription: Subscription | undefined
  readonly types: readonly SubscribedType[]
}

export type Plan = {
  readonly createSink: boolean
  readonly createSubscription: boolean
  readonly add: readonly Pin[]
  readonly repin: readonly Pin[]
  /** There already. */
  readonly present: readonly SubscribedType[]
  readonly leftOut: readonly { readonly type: string; readonly status: string }[]
}

export function toPlan(
  { own, subscription, types }: Present,
  { pins, latest, refused, repin }: Wanted,
): Plan {
  if (own && !isUsable(own)) {
    const what = own.method === 'GET' ? 'is set to GET' : `has the status ${own.status}`
    throw new CliError(
      `The sink ${own.sid} delivers to PUBLIC_URL but ${what}, and a sink cannot be changed.\nDelete it first (npx twilio-segment-bridge sink delete ${own.sid}), then run "npx twilio-segment-bridge sink create" again.`,
    )
  }
  const subscribed = new Map(types.map(({ type, version }) => [type, version]))
  // A version that Twilio does not have yet would be refused.
  const wanted = pins
    .filter(({ type }) => !refused.has(type))
    .map(pin => ({ ...pin, version: Math.min(pin.version, latest.get(pin.schema) ?? pin.version) }))
  return {
    createSink: own === undefined,
    createSubscription: subscription === undefined,
    add: wanted.filter(({ type }) => !subscribed.has(type)),
    repin: repin ? wanted.filter(({ type, version }) => (subscribed.get(type) ?? version) < version) : [],
    present: types,
    leftOut: pins.flatMap(({ type }) => {
      const status = refused.get(type)
      return status === undefined || subscribed.has(type) ? [] : [{ type, status }]
    }),
  }
}

export function isDone(plan: Plan): boolean {
  return !plan.createSink && !plan.createSubscription && plan.add.length === 0 && plan.repin.length === 0
}

/** Line by line, in the order it is done. */
export function toSteps(plan: Plan, destination: string): string[] {
  const { createSink, createSubscription, add, repin, leftOut } = plan
  const pinned = (pin: Pin) => `${pin.type} (version ${pin.version})`
  return [
    ...(createSink ? [`create a webhook sink: POST to ${destination}, batched`] : []),
    ...(createSubscription ? ['create its subscription'] : []),
    ...add.map(pin => `subscribe to ${pinned(pin)}`),
    ...repin.map(pin => `pin ${pinned(pin)}`),
    ...leftOut.map(({ type, status }) => `leave out ${type}: Twilio calls it ${status}`),
  ]
}
