/**
 * The vocabulary in which a family says whose event it is, when it happened, and what in it is personal. Rules are plain data:
 * `event/customer.ts` and `event/family-time.ts` evaluate them, docs and the page print them. Pure; no host.
 */

/**
 * Where in `data`, its steps joined by dots. A step into a text reads the JSON in it; `last` is the last item of a list, and
 * `*` (in personal fields only) every item or value.
 */
export type Path = string

/** Whose event it is. */
export type CustomerRule =
  | { readonly rule: 'nobody' }
  | {
      readonly rule: 'address'
      /** The first of them that is not empty. */
      readonly paths: readonly Path[]
      /** Where the channel stands, when the address has no scheme of its own. */
      readonly channel?: Path
      /** Also an address that says nothing about who somebody is, such as a short code. */
      readonly anyForm?: true
    }
  /** The first rule that finds somebody. */
  | { readonly rule: 'first'; readonly of: readonly CustomerRule[] }
  /** By a value, in lower case and with `-` for `_`. A value that is not listed finds nobody. */
  | {
      readonly rule: 'choice'
      readonly by: Path
      readonly cases: Readonly<Record<string, CustomerRule>>
      /** When there is no value. */
      readonly missing?: CustomerRule
    }
  /** The child leg of a `<Dial>`: one side is the customer, and the direction does not say which. */
  | { readonly rule: 'dial'; readonly from: readonly Path[]; readonly to: readonly Path[] }
  /** Within an object, or the JSON in a text. */
  | { readonly rule: 'inside'; readonly path: Path; readonly of: CustomerRule }
  /** An address that may come later: until then, or until `unless` is true, nobody knows whose event it is. */
  | { readonly rule: 'awaited'; readonly path: Path; readonly unless: Path }
  /** At the keys of the setting TASK_ADDRESS_KEYS, the first that holds an address. */
  | { readonly rule: 'configured' }

/** No customer in the event: it is about an account, an employee or a device, or names nobody. */
export const nobody: CustomerRule = { rule: 'nobody' }

/** An address that says who somebody is: a phone number, an e-mail, an account on a channel. */
export const address = (...paths: readonly Path[]): CustomerRule => ({ rule: 'address', paths })

/** An object with an address and the channel it belongs to. */
export const addressOf = (object: Path): CustomerRule => ({
  rule: 'address',
  paths: [`${object}.address`],
  channel: `${object}.channel`,
})

/** Any address that is not empty, as Twilio's own sink takes it. */
export const anyAddress = (path: Path): CustomerRule => ({ rule: 'address', paths: [path], anyForm: true })

export const first = (...of: readonly CustomerRule[]): CustomerRule => ({ rule: 'first', of })

export const choice = (
  by: Path,
  cases: Readonly<Record<string, CustomerRule>>,
  missing: CustomerRule = nobody,
): CustomerRule => ({ rule: 'choice', by, cases, missing })

export const inside = (path: Path, of: CustomerRule): CustomerRule => ({ rule: 'inside', path, of })

export const configured: CustomerRule = { rule: 'configured' }

/** The other end of a call, by its direction. */
export function callerOrCalled(direction: Path, from: readonly Path[], to: readonly Path[]): CustomerRule {
  return choice(direction, {
    inbound: address(...from),
    'outbound-api': address(...to),
    'outbound-dial': { rule: 'dial', from, to },
    // The business's own exchange calls out through its trunk, or is called through it.
    'trunking-originating': address(...to),
    'trunking-terminating': address(...from),
  })
}

/** When it happened: the first path that holds a time, in any of Twilio's formats. */
export type TimeRule =
  | readonly Path[]
  /** Of several times the latest. */
  | { readonly latest: readonly Path[] }
  /** Only with its zone: messages come out of archives, too, which print times of any zone without it. */
  | { readonly zoned: readonly Path[] }

/** What kind of personal data stands at a path. A path covers all that is below it. */
export const personalKinds = ['address', 'name', 'content', 'network', 'place', 'device', 'code'] as const
export type PersonalKind = (typeof personalKinds)[number]
export type Personal = Readonly<Partial<Record<PersonalKind, readonly Path[]>>>

/** Whether `sink create` subscribes to a type without being asked to. `never`: Event Streams does not have it. */
export type Subscribe = 'default' | 'never' | { readonly optIn: string }
export const optIn = (reason: string): Subscribe => ({ optIn: reason })
