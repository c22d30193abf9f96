/** `sink create`: what is missing at Twilio is made, what is there is left alone. In: the API and what is wanted. */
import { CliError, type Terminal } from '../terminal.ts'
import { readAccount, readLatest, readOffered, readSubscription } from './account.ts'
import type { EventsApi, Sink, Subscription } from './api.ts'
import { count, shown } from './diagnose.ts'
import { type Found, findSinks } from './find.ts'
import { optInOf, type Pin } from './pins.ts'
import { isDone, type Plan, toPlan, toSteps } from './plan.ts'

export type CreateOptions = {
  readonly destination: string
  readonly sinkSid: string | undefined
  readonly description: string
  readonly pins: readonly Pin[]
  readonly repin: boolean
  readonly dryRun: boolean
}

export type Created = {
  readonly sink: { readonly sid: string | null; readonly destination: string; readonly created: boolean }
  readonly subscription: { readonly sid: string | null; readonly created: boolean }
  readonly added: readonly Pin[]
  readonly repinned: readonly Pin[]
  readonly present: Plan['present']
  readonly leftOut: Plan['leftOut']
  readonly dryRun: boolean
}

export async function createSink(
  api: EventsApi,
  options: CreateOptions,
  terminal: Terminal,
): Promise<Created> {
  const { destination, sinkSid, description, repin, dryRun } = options
  const account = await readAccount(api)
  const found = findSinks(account, destination, sinkSid, description)
  const [present, { pins, refused }] = await Promise.all([
    readSubscription(api, account, found.own),
    readOffered(api, options.pins),
  ])
  const latest = await readLatest(
    api,
    pins.filter(({ type }) => !refused.has(type)),
  )
  const plan = toPlan({ own: found.own, ...present }, { pins, latest, refused, repin })
  tellFound(found, plan, terminal)
  tellOptIns(plan, terminal)
  const made = dryRun
    ? { sink: found.own, subscription: present.subscription }
    : await carryOut(api, plan, found.own, present.subscription, options, terminal)
  if (dryRun) {
    terminal.say(isDone(plan) ? 'Nothing is missing.' : 'Would:')
    for (const step of toSteps(plan, shown(destination))) terminal.say(`  ${step}`)
  }
  return {
    sink: { sid: made.sink?.sid ?? null, destination: shown(destination), created: plan.createSink },
    subscription: { sid: made.subscription?.sid ?? null, created: plan.createSubscription },
    added: plan.add,
    repinned: plan.repin,
    present: plan.present,
    leftOut: plan.leftOut,
    dryRun,
  }
}

/** Each step is said when it is done; what was done stays when a later one fails, and the next run goes on from there. */
async function carryOut(
  api: EventsApi,
  plan: Plan,
  own: Sink | undefined,
  subscription: Subscription | undefined,
  { destination, description }: CreateOptions,
  { say }: Terminal,
): Promise<{ sink: Sink; subscription: Subscription }> {
  const sink = own ?? (await api.createSink(description, destination))
  if (!own) say(`Created the sink ${sink.sid}: POST to ${shown(destination)}, batched.`)
  if (!subscription && plan.add.length === 0) {
    throw new CliError(
      `Twilio offers this account none of the types, so ${sink.sid} is subscribed to nothing.`,
    )
  }
  const target = subscription ?? (await api.createSubscription(description, sink.sid, plan.add))
  if (!subscription) say(`Created the subscription ${target.sid}: ${count(plan.add.length, 'type')}.`)
  for (const pin of plan.add) {
    if (subscription) await api.addType(target.sid, pin)
    say(`  subscribed to ${pin.type}, version ${pin.version}`)
  }
  for (const pin of plan.repin) {
    await api.changeVersion(target.sid, pin)
    say(`  pinned ${pin.type} to version ${pin.version}`)
  }
  for (const { type, status } of plan.leftOut) say(`  left out ${type}: Twilio calls it ${status}`)
  return { sink, subscription: target }
}

/** What subscribing to it brings besides the event. */
function tellOptIns({ add }: Plan, { say }: Terminal): void {
  const byReason = new Map<string, string[]>()
  for (const { type } of add) {
    const reason = optInOf(type)
    if (reason !== undefined) byReason.set(reason, [...(byReason.get(reason) ?? []), type])
  }
  for (const [reason, types] of byReason) say(`Note: ${types.join(', ')}: ${reason}.`)
}

function tellFound({ own, near, former }: Found, { present, repin }: Plan, { say }: Terminal): void {
  if (own) say(`Found the sink ${own.sid} "${own.description}", which delivers to ${shown(own.destination)}.`)
  if (present.length > 0) {
    say(`It is subscribed to ${count(present.length, 'type')} already:`)
    for (const { type, version } of present) {
      const note = repin.some(pin => pin.type === type) ? ', to be moved' : ''
      say(`  ${type}, version ${version}${note}`)
    }
  }
  for (const { sink, difference } of near) {
    say(
      `Note: ${sink.sid} delivers nearly there (it differs by ${difference}); delete it: npx twilio-segment-bridge sink delete ${sink.sid}`,
    )
  }
  for (const sink of former) {
    say(
      `Note: ${sink.sid} "${sink.description}" delivers to ${shown(sink.destination)}; a sink's destination cannot be changed.`,
    )
  }
}
