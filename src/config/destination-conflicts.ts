/** What several destinations of one file, or several fields of one, may not say together. Pure. */
import { eventTypeOf, families } from '../families/index.ts'
import type { DestinationConfig } from './destination-config.ts'
import type { FileFault } from './file-faults.ts'
import { closest } from './misspelt.ts'

export function findConflicts(destinations: readonly DestinationConfig[]): FileFault[] {
  return [
    ...findTwoVerbatim(destinations),
    ...findTakenNames(destinations),
    ...destinations.flatMap(findUnknownTypes),
  ]
}

/** Two copies of one messageId: the receiver drops the second without a word. */
function findTwoVerbatim(destinations: readonly DestinationConfig[]): FileFault[] {
  const verbatim = destinations.filter(one => one.type === 'segment' && one.messageId === 'verbatim')
  return verbatim.flatMap(({ name, scope, group }, index) => {
    const other = verbatim
      .slice(0, index)
      .find(one => one.scope === scope && (group === undefined || one.group !== group))
    if (!other) return []
    return {
      path: `destinations.${name}.messageId`,
      received: '"verbatim"',
      expected: `tagged: ${other.name} has it at the same receiver (${scope}), which would drop one of two copies. Or the same group for both, if no event goes to both`,
    }
  })
}

function findTakenNames(destinations: readonly DestinationConfig[]): FileFault[] {
  return destinations.flatMap(({ name, was }, index) => {
    if (was === undefined) return []
    const path = `destinations.${name}.was`
    const received = `"${was}"`
    if (destinations.some(one => one.name === was))
      return { path, received, expected: `the name of a destination that is gone: ${was} is in the file` }
    const twin = destinations.slice(0, index).find(one => one.was === was)
    if (twin) return { path, received, expected: `one successor: ${twin.name} was ${was}, too` }
    return []
  })
}

function findUnknownTypes({ name, events }: DestinationConfig): FileFault[] {
  return Object.keys(events).flatMap(type => {
    if (type === '*' || eventTypeOf(type) !== undefined) return []
    const known = closest(
      type,
      families.flatMap(({ types }) => types),
    )
    return {
      path: `destinations.${name}.events`,
      received: `"${type}"`,
      expected: known
        ? `an event type: did you mean ${known}?`
        : 'an event type (docs/mapping.md lists them), or *',
    }
  })
}
