/**
 * Whose event it is: the rule of its type (families/rules.ts), evaluated. The webhook, the delivery and the page all ask here.
 * Never the business's own number, never an account, never a caller who withholds the number, and never a guess: two that
 * nothing decides between are nobody. In: an event's data and the settings. Out: a customer, or the reason there is none.
 * Pure; never throws.
 */
import type { EventType } from '../families/family.ts'
import { isAddressNumber } from '../families/fields.ts'
import type { CustomerRule, Path } from '../families/rules.ts'
import { type Address, isAccountSid, isEndpoint, isWithheld, readAddress, toComparable } from './address.ts'
import type { JsonObject } from './json-object.ts'
import type { Mapping } from './mapping.ts'
import { open, valueAt } from './path.ts'

type Found<Value> = {
  readonly value: Value
  /** Where in `data` it stands. */
  readonly path: Path
}

export type CustomerAddress = Found<string> & {
  /** `value` as it is read; and as it stands in the event, with the scheme of its channel. */
  readonly address: Address
}

/** Who it is: an address, a userId, both; or in their place the SID of what the event is about. */
export type Customer = {
  readonly address: CustomerAddress | undefined
  readonly userId: Found<string> | undefined
  readonly resource: Found<string> | undefined
}

/** `participant_unknown`: it is known by an identifier that was not asked for yet. */
export type NoCustomer = 'no_customer' | 'customer_ambiguous' | 'participant_unknown'

export function toCustomer(
  { customer: rule, resource }: EventType,
  data: JsonObject,
  mapping: Mapping,
): Customer | NoCustomer {
  const found = evaluate(rule, data, mapping)
  const userId = mapping.userIdFrom.length === 0 ? undefined : firstOf(mapping.userIdFrom, data, toUserId)
  if (typeof found !== 'string') return { address: found, userId, resource: undefined }
  if (userId !== undefined) return { address: undefined, userId, resource: undefined }
  if (found !== 'no_customer' || mapping.noCustomer === 'skip') return found
  const sid = firstOf(resource, data, toSid)
  return sid === undefined ? found : { address: undefined, userId, resource: sid }
}

/** The address alone, also of an event that is not sent. */
export function toCustomerAddress(
  { customer: rule }: EventType,
  data: JsonObject,
  mapping: Mapping,
): CustomerAddress | undefined {
  const found = evaluate(rule, data, mapping)
  return typeof found === 'string' ? undefined : found
}

function evaluate(rule: CustomerRule, data: unknown, mapping: Mapping): CustomerAddress | NoCustomer {
  switch (rule.rule) {
    case 'nobody':
      return 'no_customer'
    case 'address': {
      const found = readFirst(rule.paths, data, rule.channel)
      if (found === undefined) return 'no_customer'
      const is = judge(found.address, mapping)
      const isSomebody = is === 'somebody' || (rule.anyForm && (is === 'end' || is === 'name'))
      return isSomebody ? found : 'no_customer'
    }
    case 'first':
      return firstFound(rule.of, data, mapping)
    case 'choice': {
      const value = valueAt(data, rule.by)
      if (typeof value !== 'string' || value === '')
        return rule.missing ? evaluate(rule.missing, data, mapping) : 'no_customer'
      const name = value.toLowerCase().replaceAll('_', '-')
      const chosen = Object.hasOwn(rule.cases, name) ? rule.cases[name] : undefined
      return chosen ? evaluate(chosen, data, mapping) : 'no_customer'
    }
    case 'dial':
      return decide(
        readSide(rule.from, data, mapping),
        readSide(rule.to, data, mapping),
        mapping.ownNumbers.size > 0,
      )
    case 'inside': {
      const found = evaluate(rule.of, open(valueAt(data, rule.path)), mapping)
      return typeof found === 'string' ? found : { ...found, path: `${rule.path}.${found.path}` }
    }
    case 'awaited': {
      if (readFirst([rule.path], data)) return evaluate(toAddressRule(rule.path), data, mapping)
      return valueAt(data, rule.unless) === true ? 'no_customer' : 'participant_unknown'
    }
    case 'configured':
      return firstFound(mapping.taskAddressKeys.map(toAddressRule), data, mapping)
  }
}

const toAddressRule = (path: Path): CustomerRule => ({ rule: 'address', paths: [path] })

function firstFound(
  rules: readonly CustomerRule[],
  data: unknown,
  mapping: Mapping,
): CustomerAddress | NoCustomer {
  for (const rule of rules) {
    const found = evaluate(rule, data, mapping)
    if (found !== 'no_customer') return found
  }
  return 'no_customer'
}

/**
 * One side of a conversation. `end`: of a line, at which an agent may sit. `name`: says nothing about who it is.
 * `own`: the business's number. `nobody`: withheld, an account, or not there.
 */
type Side = {
  readonly is: 'somebody' | 'end' | 'name' | 'own' | 'withheld' | 'nobody'
  readonly found: CustomerAddress | undefined
}

function readSide(paths: readonly Path[], data: unknown, mapping: Mapping): Side {
  const found = readFirst(paths, data)
  return { is: found ? judge(found.address, mapping) : 'nobody', found }
}

/** The first that is not empty. */
function readFirst(paths: readonly Path[], data: unknown, channel?: Path): CustomerAddress | undefined {
  for (const path of paths) {
    const text = toText(valueAt(data, path))
    if (text === undefined) continue
    const value = channel === undefined ? text : withScheme(text, valueAt(data, channel))
    return { value, path, address: readAddress(value) }
  }
  return undefined
}

function judge(address: Address, { ownNumbers }: Mapping): Side['is'] {
  const { kind, bare, scheme } = address
  if (isWithheld(address)) return 'withheld'
  if (ownNumbers.size > 0 && ownNumbers.has(toComparable(address))) return 'own'
  if (kind === 'phone') return 'somebody'
  if (isAccountSid(bare)) return 'nobody'
  // A user of the app's own chat counts through USER_ID_FROM alone.
  if (isEndpoint(address) || scheme === 'chat') return 'end'
  return kind === 'short_code' || kind === 'alphanumeric' ? 'name' : 'somebody'
}

/** A number is as good as its digits, if they can be an address. */
function toText(value: unknown): string | undefined {
  if (isAddressNumber(value)) return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** WhatsApp's addresses have a scheme everywhere else; those of other channels are what they are. */
function withScheme(address: string, channel: unknown): string {
  const isWhatsApp = typeof channel === 'string' && channel.toLowerCase() === 'whatsapp'
  return isWhatsApp && !/^whatsapp:/i.test(address) ? `whatsapp:${address}` : address
}

/**
 * The child leg of a `<Dial>`. A caller who is put through to an agent stands in `from`, a customer whom an agent calls in `to`.
 * An agent at a line's end gives it away; between two numbers only the business's own ones decide.
 */
function decide(from: Side, to: Side, knowsOwn: boolean): CustomerAddress | NoCustomer {
  if (from.is === 'withheld' || to.is === 'withheld') return 'no_customer'
  const is = (side: Side, ...which: readonly Side['is'][]) => which.includes(side.is)
  if (is(to, 'end', 'own')) return is(from, 'somebody') && from.found ? from.found : 'no_customer'
  if (is(from, 'end', 'own')) return is(to, 'somebody') && to.found ? to.found : 'no_customer'
  // Put through to an agent's own phone, under the caller's number.
  if (knowsOwn && from.is === 'somebody' && to.is === 'somebody' && from.found) return from.found
  return is(from, 'somebody') || is(to, 'somebody') ? 'customer_ambiguous' : 'no_customer'
}

function firstOf(
  paths: readonly Path[],
  data: JsonObject,
  read: (value: unknown) => string | undefined,
): Found<string> | undefined {
  for (const path of paths) {
    const value = read(valueAt(data, path))
    if (value !== undefined) return { value, path }
  }
  return undefined
}

/** Beyond 2^53 an integer is not the one that was written. */
function toUserId(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : undefined
  return toSid(value)
}

function toSid(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' && !isAccountSid(value) ? value : undefined
}
