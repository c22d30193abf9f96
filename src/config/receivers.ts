/** The receivers of Segment's protocol that are known by name: where they are. What each wants: send/segment/receivers.ts. Pure data. */

export const receivers = ['segment', 'rudderstack', 'customerio', 'jitsu', 'other'] as const
export type Receiver = (typeof receivers)[number]

type Region = 'us' | 'eu'

/** Of those whose users share one address. */
const regions: Readonly<Partial<Record<Receiver, Readonly<Record<Region, string>>>>> = {
  segment: { us: 'https://api.segment.io', eu: 'https://events.eu1.segmentapis.com' },
  customerio: { us: 'https://cdp.customer.io', eu: 'https://cdp-eu.customer.io' },
}

const domains: readonly (readonly [string, Receiver])[] = [
  ['segment.io', 'segment'],
  ['segment.com', 'segment'],
  ['segmentapis.com', 'segment'],
  ['customer.io', 'customerio'],
  ['rudderstack.com', 'rudderstack'],
  ['rudderlabs.com', 'rudderstack'],
  ['jitsu.com', 'jitsu'],
]

/** Undefined where each user has an address of its own. */
export function hostOf(receiver: Receiver, region: Region = 'us'): string | undefined {
  return regions[receiver]?.[region]
}

/** Who is reached at an origin, as far as its name says. */
export function receiverAt(origin: string): Receiver {
  const host = URL.parse(origin)?.hostname ?? ''
  const known = domains.find(([domain]) => host === domain || host.endsWith(`.${domain}`))
  return known?.[1] ?? 'other'
}

/** What recognizes copies by messageId together: all of Segment, whatever the source, workspace or region; each other host by itself. */
export function scopeAt(receiver: Receiver, host: string): string {
  return receiver === 'segment' ? 'segment' : (URL.parse(host)?.host ?? host)
}
