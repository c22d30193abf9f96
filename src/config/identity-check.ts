/**
 * A destination that must not learn who the customer is may get no field that says it. Which fields do, the families know: where
 * the customer is looked for, in every event type that can be routed there. Pure.
 */
import type { EventType } from '../families/family.ts'
import { families } from '../families/index.ts'
import type { CustomerRule, Path } from '../families/rules.ts'
import type { DestinationConfig, FieldRules } from './destination-config.ts'
import type { FileFault } from './file-faults.ts'
import { mayMatch, readFilter } from './fql.ts'

export type IdentitySettings = {
  readonly eventNames: 'verbatim' | 'title'
  /** Into `data`. */
  readonly userIdFrom: readonly Path[]
  readonly taskAddressKeys: readonly Path[]
}

type Judged = { readonly faults: readonly FileFault[]; readonly warnings: readonly string[] }

export function judgeIdentity(
  destinations: readonly DestinationConfig[],
  settings: IdentitySettings,
): Judged {
  const hiding = destinations.filter(({ identity }) => identity !== 'full')
  return {
    faults: hiding.flatMap(one => {
      const open = findPaths(one, settings, type => customerPaths(type, settings), isOpen)
      if (open.length === 0) return []
      return {
        path: `destinations.${one.name}.identity`,
        received: `"${one.identity}"`,
        expected: `every field that holds the customer in properties.deny or properties.hash; missing: ${open.join(', ')}`,
      }
    }),
    warnings: [...hiding.flatMap(warnOfOthers), ...destinations.flatMap(warnOfShown)],
  }

  function warnOfOthers(one: DestinationConfig): string[] {
    const open = findPaths(one, settings, ({ family }) => family.personal.address ?? [], isOpen)
    if (open.length === 0) return []
    return [
      `DESTINATIONS: ${one.name} has identity ${one.identity}, and gets other addresses in ${open.join(', ')}: deny or hash them, unless they are your own.`,
    ]
  }

  /** Whoever hides a field that holds the customer seldom means to send the same number as externalIds. */
  function warnOfShown(one: DestinationConfig): string[] {
    if (one.identity !== 'full' || one.type !== 'segment') return []
    const hidden = findPaths(one, settings, type => customerPaths(type, settings), isHidden)
    if (hidden.length === 0) return []
    return [
      `DESTINATIONS: ${one.name} hides ${hidden.join(', ')}, but its identity is full: anonymousId and externalIds still tell who the customer is. "identity": "hash" or "none" hides that as well.`,
    ]
  }
}

/** Those paths, of all events that can be routed to it, which are so under its rules. */
function findPaths(
  config: DestinationConfig,
  { eventNames }: IdentitySettings,
  pathsOf: (type: EventType) => readonly Path[],
  isSo: (path: Path, rules: FieldRules) => boolean,
): string[] {
  const all = families.flatMap(({ skip, eventTypes }) => (skip === undefined ? eventTypes : []))
  return [
    ...new Set(
      all
        .filter(type => mayGoTo(config, type, eventNames))
        .flatMap(pathsOf)
        .filter(path => isSo(path, config.properties)),
    ),
  ]
}

/** Whether an event of this type can be routed there at all. */
export function mayGoTo(
  { when, events }: DestinationConfig,
  { type, name }: EventType,
  eventNames: IdentitySettings['eventNames'],
): boolean {
  const own = Object.hasOwn(events, type) ? events[type] : events['*']
  if (own === 'drop') return false
  const read = when === undefined ? undefined : readFilter(when)
  if (!read?.ok) return true
  return mayMatch(read.filter, eventNames === 'title' ? name : type)
}

function customerPaths(type: EventType, { userIdFrom, taskAddressKeys }: IdentitySettings): Path[] {
  return [...pathsOf(type.customer, taskAddressKeys), ...userIdFrom]
}

/** Wherever a rule may find the customer. */
function pathsOf(rule: CustomerRule, configured: readonly Path[]): Path[] {
  switch (rule.rule) {
    case 'nobody':
      return []
    case 'address':
      return [...rule.paths]
    case 'first':
      return rule.of.flatMap(one => pathsOf(one, configured))
    case 'choice':
      return [...Object.values(rule.cases), ...(rule.missing ? [rule.missing] : [])].flatMap(one =>
        pathsOf(one, configured),
      )
    case 'dial':
      return [...rule.from, ...rule.to]
    case 'inside':
      return pathsOf(rule.of, configured).map(path => `${rule.path}.${path}`)
    case 'awaited':
      return [rule.path]
    case 'configured':
      return [...configured]
  }
}

/** A step applies to each item of a list, so which item is meant does not count. */
const toSteps = (path: Path): readonly string[] =>
  path.split('.').filter(step => !/^(\d+|last|\*)$/.test(step))

const isWithin = (path: readonly string[], outer: readonly string[]) =>
  outer.every((step, index) => path[index] === step)

function isHidden(path: Path, { deny, hash }: FieldRules): boolean {
  const steps = toSteps(path)
  return [...deny, ...hash].some(rule => isWithin(steps, toSteps(rule)))
}

function isOpen(path: Path, rules: FieldRules): boolean {
  if (isHidden(path, rules)) return false
  const steps = toSteps(path)
  return rules.allow === undefined || rules.allow.some(rule => isWithin(steps, toSteps(rule)))
}
