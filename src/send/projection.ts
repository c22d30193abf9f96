/**
 * What a destination gets of an event that goes there, by its rules: names → deny → allow → hash → identity → consent. Pure; the
 * same event gives the same call to the byte. Throws where JSON is nested deeper than the stack.
 */
import type { DestinationConfig } from '../config/destination-config.ts'
import { createFieldRules, type HashText } from '../event/field-rules.ts'
import type { JsonObject } from '../event/json-object.ts'
import type { Identity, TrackCall } from './segment/map.ts'

export type Projection = {
  /** `type`: the event's. Which types are dropped is a matter of routing. Undefined: the call goes as it is mapped. */
  readonly project: ((call: TrackCall, type: string) => TrackCall) | undefined
  /** The rules on `data` alone. Undefined: it stays as it is. */
  readonly projectData: ((data: JsonObject) => JsonObject) | undefined
}

/**
 * Whom nobody is told about. One for all of them: Segment bills each anonymousId as a tracked user, so one an event would cost as
 * much as a customer an event.
 */
export const NOBODY = 'nobody'

/** `hash`: keyed. Throws when a rule hashes and there is none; the destinations file is checked for it earlier. */
export function createProjection(config: DestinationConfig, hash: HashText | undefined): Projection {
  const { events, properties, identity } = config
  if (hash === undefined && (identity === 'hash' || properties.hash.length > 0))
    throw new Error(`${config.name} hashes, and there is no HASH_KEY`)
  const projectData = createFieldRules(properties, hash)
  const consent = config.type === 'segment' ? config.consent : undefined
  const isAsMapped =
    !projectData && !consent && identity === 'full' && !Object.values(events).some(name => name !== 'drop')
  if (isAsMapped) return { project: undefined, projectData }

  function project(call: TrackCall, type: string): TrackCall {
    const { context, messageId, timestamp } = call
    const { externalIds, ...others } = context
    return {
      event: nameOf(events, type) ?? call.event,
      messageId,
      ...toIdentity(call, identity, hash),
      timestamp,
      properties: projectData ? projectData(call.properties) : call.properties,
      context: {
        ...(externalIds && identity === 'full' && { externalIds }),
        ...others,
        ...(consent && { consent: { categoryPreferences: consent } }),
      },
    }
  }
  return { project, projectData }
}

/** Undefined: as it is mapped. */
export function nameOf(events: DestinationConfig['events'], type: string): string | undefined {
  const name = Object.hasOwn(events, type) ? events[type] : events['*']
  if (name === 'drop') return undefined
  return name === 'verbatim' ? type : name
}

function toIdentity(
  { anonymousId, userId }: TrackCall,
  identity: DestinationConfig['identity'],
  hash: HashText | undefined,
): Identity {
  if (identity === 'none') return { anonymousId: NOBODY }
  const write = (id: string) => (identity === 'hash' && hash ? hash(id) : id)
  if (anonymousId === undefined) return { userId: write(userId) }
  return { anonymousId: write(anonymousId), ...(userId !== undefined && { userId: write(userId) }) }
}
