/** `sink status`: everything of this account's sinks that concerns the bridge, looked up once. `check` asks it too. */
import type { Finding } from '../check/result.ts'
import { readAccount, readLatest, readSubscription } from './account.ts'
import type { EventsApi } from './api.ts'
import { diagnose, shown } from './diagnose.ts'
import { findSinks } from './find.ts'
import { pinsOf } from './pins.ts'

export type SinkLine = {
  readonly sid: string
  readonly description: string
  readonly type: string
  readonly status: string
  readonly destination: string | null
  readonly subscription: string | null
  readonly isOwn: boolean
}

export type Status = { readonly sinks: readonly SinkLine[]; readonly findings: readonly Finding[] }

export async function readStatus(
  api: EventsApi,
  destination: string,
  sinkSid: string | undefined,
): Promise<Status> {
  const account = await readAccount(api)
  const found = findSinks(account, destination, sinkSid)
  const { subscription, types } = await readSubscription(api, account, found.own)
  const pins = pinsOf(new Set(types.map(({ type }) => type)))
  const latest = await readLatest(api, pins)
  const sinks = account.sinks.map(sink => ({
    sid: sink.sid,
    description: sink.description,
    type: sink.type,
    status: sink.status,
    destination: sink.destination === undefined ? null : shown(sink.destination),
    subscription: account.subscriptions.find(({ sinkSid }) => sinkSid === sink.sid)?.sid ?? null,
    isOwn: sink === found.own,
  }))
  return {
    sinks,
    findings: diagnose({ destination, sinkSid, found, subscription, types, pins, latest }),
  }
}

export function toLine({
  sid,
  description,
  type,
  status,
  destination,
  subscription,
  isOwn,
}: SinkLine): string {
  const where = destination === null ? type : `${type} ${destination}`
  return `${isOwn ? '*' : ' '} ${sid}  ${status.padEnd(11)}  ${subscription ?? 'no subscription'}  ${where}  "${description}"`
}
