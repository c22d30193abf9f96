/** Which of an account's sinks is this bridge's own. In: what the account has. Out: the sinks by what they are to us. Pure. */
import type { Sink, Subscription } from './api.ts'

export type Account = { readonly sinks: readonly Sink[]; readonly subscriptions: readonly Subscription[] }

export type Found = {
  /** Delivers to PUBLIC_URL to the letter. */
  readonly own: Sink | undefined
  /** More of those: each event would come once from each. */
  readonly twins: readonly Sink[]
  /** Delivers nearly there, and how it differs: the signature would fit nothing. */
  readonly near: readonly { readonly sink: Sink; readonly difference: string }[]
  /** Has our description or SID and delivers elsewhere: PUBLIC_URL was another one once. */
  readonly former: readonly Sink[]
}

export const DESCRIPTION = 'twilio-segment-bridge'

export function findSinks(
  { sinks, subscriptions }: Account,
  destination: string,
  sinkSid: string | undefined,
  description = DESCRIPTION,
): Found {
  const inUse = new Set(subscriptions.map(subscription => subscription.sinkSid))
  const rank = (sink: Sink) =>
    (sink.sid === sinkSid ? 8 : 0) +
    (isUsable(sink) ? 4 : 0) +
    (inUse.has(sink.sid) ? 2 : 0) +
    (sink.description === description ? 1 : 0)
  const webhooks = sinks.filter(({ type }) => type === 'webhook')
  const [own, ...twins] = webhooks
    .filter(sink => sink.destination === destination)
    .sort((a, b) => rank(b) - rank(a))
  const others = webhooks.filter(sink => sink.destination !== destination)
  const near = others.flatMap(sink => {
    const difference = differenceOf(sink.destination ?? '', destination)
    return difference ? [{ sink, difference }] : []
  })
  const isNear = new Set(near.map(({ sink }) => sink))
  const former = others.filter(
    sink => !isNear.has(sink) && (sink.description === description || sink.sid === sinkSid),
  )
  return { own, twins, near, former }
}

/** Neither can be mended: all that Twilio lets one change of a sink is its description. */
export function isUsable({ method, status }: Sink): boolean {
  return method !== 'GET' && status !== 'failed'
}

/** What makes two spellings of the same place differ; `undefined`: they are two places. */
export function differenceOf(a: string, b: string): string | undefined {
  const [one, other] = [URL.parse(a), URL.parse(b)]
  if (!one || !other || one.hostname !== other.hostname) return undefined
  const withoutSlash = (path: string) => path.replace(/\/+$/, '')
  if (withoutSlash(one.pathname).toLowerCase() !== withoutSlash(other.pathname).toLowerCase())
    return undefined
  if (one.port !== other.port && one.protocol === other.protocol) return undefined
  const differences = [
    one.protocol !== other.protocol && `${one.protocol}// instead of ${other.protocol}//`,
    one.username !== other.username || one.password !== other.password ? 'user name or password' : '',
    withoutSlash(one.pathname) !== withoutSlash(other.pathname) && 'upper and lower case in the path',
    one.pathname.endsWith('/') !== other.pathname.endsWith('/') && 'a slash at the end',
    one.search !== other.search && 'the query',
  ].filter(Boolean)
  return differences.join(', ') || 'its spelling (port, upper and lower case, or escapes)'
}
