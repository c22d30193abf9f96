/** What the settings say about mapping, in the form that the mapping wants. Pure. */
import type { Settings } from '../config.ts'
import type { Path } from '../families/rules.ts'
import { readAddress, toComparable } from './address.ts'

export type Mapping = {
  /** Comparable, as `toComparable` makes them. */
  readonly ownNumbers: ReadonlySet<string>
  /** Into `data`. */
  readonly userIdFrom: readonly Path[]
  readonly noCustomer: 'skip' | 'resource'
  readonly taskAddressKeys: readonly Path[]
  readonly eventNames: 'verbatim' | 'title'
}

type MappingSettings = Pick<
  Settings,
  'OWN_NUMBERS' | 'USER_ID_FROM' | 'NO_CUSTOMER' | 'TASK_ADDRESS_KEYS' | 'EVENT_NAMES'
>

const known = new WeakMap<MappingSettings, Mapping>()

/** Made once for each object of settings: it is asked for with every event. */
export function toMapping(settings: MappingSettings): Mapping {
  const made = known.get(settings)
  if (made) return made
  const mapping: Mapping = {
    ownNumbers: new Set(settings.OWN_NUMBERS.map(number => toComparable(readAddress(number)))),
    userIdFrom: settings.USER_ID_FROM.map(path => path.replace(/^(\$\.)?data\./, '')),
    noCustomer: settings.NO_CUSTOMER,
    taskAddressKeys: settings.TASK_ADDRESS_KEYS,
    eventNames: settings.EVENT_NAMES,
  }
  known.set(settings, mapping)
  return mapping
}

export const asDefault: Mapping = {
  ownNumbers: new Set(),
  userIdFrom: [],
  noCustomer: 'skip',
  taskAddressKeys: ['customerAddress', 'customers.phone', 'customers.email'],
  eventNames: 'verbatim',
}
