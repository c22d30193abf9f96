/** `sink delete`: the subscription first, since Twilio keeps a sink that is in use; then the sink. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError, type Terminal } from '../terminal.ts'
import type { EventsApi, Sink, Subscription } from './api.ts'
import { count, shown } from './diagnose.ts'
import { TwilioStop } from './errors.ts'
import { type Account, findSinks } from './find.ts'

const SINK_IN_USE = 91007
/** A subscription just deleted may count for a moment more. */
const TRIES = 5
const TRY_AGAIN_MS = 1_000

/** The one that is named, or our own. */
export function chooseSink(
  account: Account,
  sid: string | undefined,
  destination: string | undefined,
  sinkSid: string | undefined,
): Sink {
  if (sid !== undefined) {
    const named = account.sinks.find(sink => sink.sid === sid)
    if (!named)
      throw new CliError(
        `This account has no sink ${sid}. "npx twilio-segment-bridge sink status" lists them.`,
      )
    return named
  }
  if (destination === undefined) {
    throw new CliError('Which sink? Name its SID, or set PUBLIC_URL to what it delivers to.', 2)
  }
  const { own } = findSinks(account, destination, sinkSid)
  if (!own) {
    throw new CliError(
      `No sink of this account delivers to ${shown(destination)}. "npx twilio-segment-bridge sink status" lists them.`,
    )
  }
  return own
}

export async function confirm(
  sink: Sink,
  subscriptions: readonly Subscription[],
  yes: boolean,
  terminal: Terminal,
): Promise<boolean> {
  terminal.say(
    `Delete ${sink.sid} "${sink.description}" (${sink.type}, ${shown(sink.destination)}) and ${count(subscriptions.length, 'subscription')}: Twilio sends no events there any more.`,
  )
  if (yes) return true
  if (!terminal.isInteractive) throw new CliError('Not a terminal: pass --yes to confirm.', 2)
  return /^y(es)?$/i.test((await terminal.ask('Delete it? [y/N] ')).trim())
}

export async function deleteSink(
  api: EventsApi,
  sink: Sink,
  subscriptions: readonly Subscription[],
  { say }: Terminal,
): Promise<void> {
  for (const { sid } of subscriptions) {
    await api.deleteSubscription(sid)
    say(`Deleted the subscription ${sid}.`)
  }
  for (let left = TRIES; ; left--) {
    try {
      await api.deleteSink(sink.sid)
      break
    } catch (error) {
      if (left === 1 || !(error instanceof TwilioStop) || error.code !== SINK_IN_USE) throw error
      await sleep(TRY_AGAIN_MS)
    }
  }
  say(`Deleted the sink ${sink.sid}.`)
}
