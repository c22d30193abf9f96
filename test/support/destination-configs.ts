/** Destinations as their file says them, without any rule; a test adds the ones it is about. */
import { type FilesConfig, noRules, type SegmentConfig } from '../../src/config/destination-config.ts'

const shared = {
  ...{ when: undefined, events: {}, properties: noRules, group: undefined, paused: false, was: undefined },
  identity: 'full',
} as const

export function segmentConfig(name: string, own: Partial<SegmentConfig> = {}): SegmentConfig {
  return {
    ...{ type: 'segment', name, scope: 'segment', receiver: 'segment', host: 'https://api.segment.io' },
    ...{ writeKey: 'key', path: '/v1/batch', headers: {}, workspace: undefined, rate: 0 },
    ...{ consent: undefined, messageId: undefined },
    ...shared,
    ...own,
  }
}

export function filesConfig(name: string, own: Partial<FilesConfig> = {}): FilesConfig {
  const to = { folder: '/facts' }
  return { type: 'files', name, scope: `files:${name}`, to, everySeconds: 300, ...shared, ...own }
}
