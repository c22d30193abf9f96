/**
 * Segment: can it be reached, and is this clock right by its `Date`? By a HEAD of the batch route: it has no body and names no
 * write key, so it cannot create an event whatever answers. Any answer below 500 shows that the way is open. Whether the
 * write key is right cannot be asked: Segment answers 200 to every key.
 */
import type { SegmentConfig } from '../../config/destination-config.ts'
import { toDestinationConfigs } from '../../config/destinations.ts'
import type { Settings } from '../../config.ts'
import { toProxyHint } from '../../hosts/node/proxy-hint.ts'
import { deliveryReasons } from '../../reasons.ts'
import { ask } from '../admin-client.ts'
import { type Finding, note, ok, wrong } from './result.ts'

/** Segment moves every event's time by the sender's clock error; a `Date` has whole seconds. */
const SKEW_ALLOWED_MS = 5_000

export async function checkSegment(settings: Settings, now: () => number): Promise<Finding[]> {
  const configs = toDestinationConfigs(settings)
  const found = await Promise.all(
    configs.map(async config => {
      const findings = config.type === 'segment' ? await checkReceiver(config, now) : []
      return configs.length === 1
        ? findings
        : findings.map(one => ({ ...one, name: `${config.name}: ${one.name}` }))
    }),
  )
  return found.flat()
}

async function checkReceiver(config: SegmentConfig, now: () => number): Promise<Finding[]> {
  const { host: origin, receiver } = config
  const url = origin.replace(/\/$/, '') + config.path
  const key = config.writeKey
    ? ok(
        'write key',
        receiver === 'segment'
          ? "is set; whether it is right only Segment's source debugger shows: it answers 200 to any"
          : 'is set',
      )
    : note(
        'write key',
        'SEGMENT_WRITE_KEY is not set: the bridge makes a dry run',
        'Set it when events shall reach Segment.',
      )
  const askedAt = now()
  const asked = await ask(url, { method: 'HEAD' })
  const answeredAt = now()
  if (!asked.ok) {
    return [
      wrong(
        'Segment',
        `${origin} cannot be reached (${asked.cause})`,
        `${deliveryReasons.segment_unreachable.remedy} ${toProxyHint(process.env)}`.trim(),
      ),
      key,
    ]
  }
  const { status, headers } = asked
  if (status >= 300 && status < 400) {
    const detail = `${url} redirects to ${headers.get('location') ?? 'somewhere else'}`
    return [wrong('Segment', detail, deliveryReasons.segment_misrouted.remedy), key]
  }
  const reached =
    status >= 500
      ? wrong('Segment', `${origin} answers ${status}`, deliveryReasons.segment_failing.remedy)
      : ok('Segment', `${origin} answers`)
  return [reached, checkClock(headers.get('date'), (askedAt + answeredAt) / 2), key]
}

function checkClock(date: string | null, at: number): Finding {
  const theirs = Date.parse(date ?? '')
  if (Number.isNaN(theirs)) return note('clock', 'Segment sent no date to compare with')
  // Half a second: the mean of what whole seconds cut off.
  const skewMs = at - (theirs + 500)
  const shown = `${(Math.abs(skewMs) / 1_000).toFixed(1)} s ${skewMs > 0 ? 'ahead of' : 'behind'} Segment's`
  if (Math.abs(skewMs) <= SKEW_ALLOWED_MS) return ok('clock', `${shown} (measurement error ±1 s)`)
  return wrong(
    'clock',
    `${shown}: Segment moves every event's time by as much`,
    'Run NTP on this machine (timedatectl set-ntp true).',
  )
}
