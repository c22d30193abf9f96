/**
 * What would become of an event, destination by destination: sent or not and why, and the very payload. Asks what delivery asks,
 * and sends nothing. Pure.
 */
import type { DestinationConfig } from '../config/destination-config.ts'
import { toEvent } from '../event/event.ts'
import type { Mapping } from '../event/mapping.ts'
import { type NotSent, reasons } from '../reasons.ts'
import type { Destination, MappableEvent } from './destination.ts'
import { createJudge, type KeptBack } from './routing.ts'

export type Previewed = { readonly name: string } & (
  | {
      readonly sent: true
      /** Shown, and not sent: there is no write key. */
      readonly isDryRun: boolean
      /** JSON text, with numbers as they were written. */
      readonly payload: string
    }
  | { readonly sent: false; readonly reason: KeptBack | NotSent; readonly text: string }
)

const keptBackTexts: Readonly<Record<KeptBack, string>> = {
  when: 'its filter (when) is not true of it',
  events: 'its table (events) drops this type',
  group: 'another destination of its group takes it',
}

/** `destinations`: those of the configurations, in the same order. */
export function createPreview(
  configs: readonly DestinationConfig[],
  destinations: readonly Pick<Destination, 'map'>[],
  mapping: Mapping,
): (event: MappableEvent) => Previewed[] {
  const judge = createJudge(configs, mapping)
  return event => {
    const reading = toEvent(event.element, mapping)
    return judge(event).map(({ name, keptBack }, index): Previewed => {
      const unsent = (reason: NotSent, detail = ''): Previewed => {
        const text = [reasons[reason].title, detail].filter(Boolean).join(': ')
        return { name, sent: false, reason, text }
      }
      if (!reading.ok) return unsent(reading.reason)
      if (keptBack !== undefined)
        return { name, sent: false, reason: keptBack, text: keptBackTexts[keptBack] }
      const mapped = destinations[index]?.map(event)
      if (!mapped?.ok) return unsent(mapped?.reason ?? 'not_serializable', mapped?.detail)
      const { content } = mapped.message
      const config = configs[index]
      // A line of a file is a text already.
      const line = config?.type === 'files' && 'text' in content ? content.text : undefined
      const payload = typeof line === 'string' ? line : JSON.stringify(content)
      return { name, sent: true, isDryRun: config?.type === 'segment' && !config.writeKey, payload }
    })
  }
}
