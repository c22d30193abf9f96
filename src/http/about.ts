/** Which bridge this is and how it is set up, for the page's head; no secret. Pure. */
import { isDryRun, toDestinationConfigs } from '../config/destinations.ts'
import { type Host, type Settings, segmentHost } from '../config.ts'
import { toBaseUrls, WEBHOOK_PATH } from '../ingest/public-url.ts'
import { reasons } from '../reasons.ts'
import { name, version } from '../version.ts'

export type About = {
  readonly name: string
  readonly version: string
  readonly host: Host
  readonly dryRun: boolean
  /** The whole URL that Twilio should call, or its path alone where only the proxy in front knows the host. */
  readonly webhook: string
  /** Requests without a signature are taken. */
  readonly unsigned: boolean
  readonly retentionDays: number
  readonly dedupeHours: number
  /** null where the outbox is one. */
  readonly shards: number | null
  readonly segmentHost: string
  readonly sinkSid: string | null
}

export function toAbout(settings: Settings, host: Host): About {
  const configs = toDestinationConfigs(settings)
  return {
    ...{ name, version, host },
    dryRun: isDryRun(configs),
    webhook: toWebhook(settings.PUBLIC_URL),
    unsigned: settings.ALLOW_UNSIGNED,
    retentionDays: settings.RETENTION_DAYS,
    dedupeHours: settings.DEDUPE_HOURS,
    shards: host === 'workers' ? settings.OUTBOX_SHARDS : null,
    segmentHost:
      configs.flatMap(config => (config.type === 'segment' ? config.host : []))[0] ?? segmentHost(settings),
    sinkSid: settings.SINK_SID ?? null,
  }
}

/** A password in it stays untold. */
function toWebhook(publicUrl: string | undefined): string {
  if (publicUrl === undefined) return WEBHOOK_PATH
  const unused = {
    trustProxy: false,
    headers: new Headers(),
    scheme: 'https',
    host: undefined,
    path: '',
  } as const
  const [url = WEBHOOK_PATH] = toBaseUrls({ publicUrl, ...unused })
  return url.replace(/\/\/[^/?#]*@/, '//***@')
}

export type ReasonText = { readonly title: string; readonly remedy: string; readonly code: number }

/** Every reason in the words of the notices. */
export const reasonsJson: Readonly<Record<string, ReasonText>> = Object.fromEntries(
  Object.entries(reasons).map(([word, { title, remedy, code }]) => [word, { title, remedy, code }]),
)
