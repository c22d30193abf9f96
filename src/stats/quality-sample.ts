/**
 * What one event tells of the quality of its kind, in one number, so that it costs the webhook next to nothing: which of its
 * schema's properties it has, and what kind of address its customer has. And such numbers, added up. Pure.
 */
import type { Address, AddressKind } from '../event/address.ts'
import { toCustomerAddress } from '../event/customer.ts'
import type { JsonObject } from '../event/json-object.ts'
import { asDefault } from '../event/mapping.ts'
import { propertiesOf } from '../families/family.ts'
import { eventTypeOf, familyOf } from '../families/index.ts'

/** `missing`: the event names no customer. An e-mail counts with the accounts of other channels. */
export const identityKinds = [
  'phone',
  'other_scheme',
  'short_code',
  'alphanumeric',
  'missing',
] as const satisfies readonly (AddressKind | 'missing')[]
export type IdentityKind = (typeof identityKinds)[number]

/** In the number, below the bits of the properties; 0 stands for a type without a customer. */
const IDENTITIES = 8
export const NOTHING_SEEN = 0
/** What is left of the 53 bits of a whole number; no schema lists more. */
export const PROPERTIES = 50

/** What came of one kind, in an hour or in all. A copy is counted as a duplicate, and nowhere else. */
export type Counts = {
  readonly passing: number
  readonly violating: number
  readonly unmapped: number
  readonly duplicates: number
  /** How many had it, by property. */
  readonly present: Tally
  /** By `IdentityKind`. */
  readonly identity: Tally
}
/** Without what is 0. */
type Tally = Readonly<Record<string, number>>
export type Outcome = 'passing' | 'violating' | 'unmapped'

export const noCounts: Counts = {
  ...{ passing: 0, violating: 0, unmapped: 0, duplicates: 0 },
  ...{ present: {}, identity: {} },
}

/**
 * Properties are the bits from the lowest, in the schema's order. `data`: undefined when there is none that can be read.
 * `address`: the customer's, null when there is none; found by the preset settings when it is not known.
 */
export function observe(
  type: string,
  version: number,
  data: JsonObject | undefined,
  address?: Address | null,
): number {
  const eventType = eventTypeOf(type)
  if (eventType === undefined || eventType.family.skip !== undefined) return NOTHING_SEEN
  const { family, customer } = eventType
  let bits = 0
  let bit = 1
  if (data !== undefined) {
    for (const { name } of propertiesOf(family, version)) {
      const value = data[name]
      if (value !== undefined && value !== null && value !== '') bits += bit
      bit *= 2
    }
  }
  // No customer is missing where none is looked for.
  if (customer.rule === 'nobody') return bits * IDENTITIES
  const found =
    address === undefined && data ? toCustomerAddress(eventType, data, asDefault)?.address : address
  return bits * IDENTITIES + identityKinds.indexOf(toIdentityKind(found ?? undefined)) + 1
}

function toIdentityKind(address: Address | undefined): IdentityKind {
  if (address === undefined) return 'missing'
  return address.kind === 'email' ? 'other_scheme' : address.kind
}

/** `observed`: how often each number came of one kind. */
export function fromObserved(
  type: string,
  version: number,
  observed: ReadonlyMap<number, number>,
): Pick<Counts, 'present' | 'identity'> {
  const family = familyOf(type)
  const properties = family ? propertiesOf(family, version) : []
  const present: Record<string, number> = {}
  const identity: Record<string, number> = {}
  for (const [number, n] of observed) {
    let bits = Math.floor(number / IDENTITIES)
    for (const { name } of properties) {
      if (bits % 2 === 1) present[name] = (present[name] ?? 0) + n
      bits = Math.floor(bits / 2)
    }
    const kind = identityKinds[(number % IDENTITIES) - 1]
    if (kind !== undefined) identity[kind] = (identity[kind] ?? 0) + n
  }
  return { present, identity }
}

export function addCounts(one: Counts, other: Counts): Counts {
  const sum = createSum()
  addTo(sum, one)
  addTo(sum, other)
  return sum
}

/** For the sum of thousands: `addCounts` would make an object of each. */
export type Sum = Record<Outcome | 'duplicates', number> & {
  readonly present: Record<string, number>
  readonly identity: Record<string, number>
}

export function createSum(): Sum {
  return { passing: 0, violating: 0, unmapped: 0, duplicates: 0, present: {}, identity: {} }
}

export function addTo(sum: Sum, counts: Counts): void {
  sum.passing += counts.passing
  sum.violating += counts.violating
  sum.unmapped += counts.unmapped
  sum.duplicates += counts.duplicates
  addTally(sum.present, counts.present)
  addTally(sum.identity, counts.identity)
}

function addTally(sum: Record<string, number>, tally: Tally): void {
  for (const name in tally) sum[name] = (sum[name] ?? 0) + (tally[name] ?? 0)
}

export function eventsOf({ passing, violating, unmapped }: Counts): number {
  return passing + violating + unmapped
}
