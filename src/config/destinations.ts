/** Where events go, by the settings. Pure. */
import type { Settings } from '../config.ts'
import { segmentHost } from '../config.ts'
import { type DestinationConfig, noRules } from './destination-config.ts'
import { receiverAt, scopeAt } from './receivers.ts'

/** The name of the one that the SEGMENT_ settings make. */
export const ONLY = 'segment'

/** At least one. Rates are this owner's share of them: on Workers several shards deliver. */
export function toDestinationConfigs(settings: Settings): readonly DestinationConfig[] {
  const { DESTINATIONS = [ofSegment(settings)], OUTBOX_SHARDS } = settings
  return DESTINATIONS.map(one =>
    one.type === 'segment' && one.rate > 0
      ? { ...one, rate: Math.max(1, Math.floor(one.rate / OUTBOX_SHARDS)) }
      : one,
  )
}

function ofSegment(settings: Settings): DestinationConfig {
  const host = segmentHost(settings)
  const receiver = receiverAt(host)
  return {
    ...{ name: ONLY, type: 'segment', receiver, host, scope: scopeAt(receiver, host) },
    ...{ path: settings.SEGMENT_PATH, writeKey: settings.SEGMENT_WRITE_KEY, rate: settings.SEGMENT_RATE },
    ...{ when: undefined, events: {}, properties: noRules, identity: 'full', consent: undefined },
    ...{ headers: {}, workspace: undefined, group: undefined, messageId: undefined },
    ...{ paused: false, was: undefined },
  }
}

/** Whether nothing leaves: no destination has a write key or a place for files. */
export function isDryRun(configs: readonly DestinationConfig[]): boolean {
  return configs.every(config => config.type === 'segment' && config.writeKey === undefined)
}

/** Where a destination sends, for people: without a secret. */
export function toPlaceShown(config: DestinationConfig): string {
  if (config.type === 'segment') return config.host
  return 'folder' in config.to ? config.to.folder : `s3://${config.to.bucket}/${config.to.prefix}`
}
