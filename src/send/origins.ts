/**
 * For people who look at an event: its track call, and from which field of the event each field of the call comes. By the
 * same functions as the call itself, so that it tells what was done and not what was meant. Pure.
 */
import { toEvent } from '../event.ts'
import { familyOf } from '../families/index.ts'
import { type Judged, type TrackCall, timestampOf, toCall } from './map.ts'

/** JSONPaths: `to` in the call; `from` in the event, null where the value is none of the event's. */
export type Origin = { readonly to: string; readonly from: string | null; readonly note?: string }

export type Traced = { readonly track: TrackCall | undefined; readonly origins: readonly Origin[] }

export function toOrigins(element: unknown, receivedAt: number): Traced {
  const judged = toEvent(element)
  if (!judged.ok) return { track: undefined, origins: [] }
  const track = toCall(judged, receivedAt)
  return { track, origins: trace(judged, track, typeof judged.event.data !== typeof dataOf(element)) }
}

function trace({ event, customer }: Judged, track: TrackCall, isText: boolean): Origin[] {
  const address = `$.data.${familyOf(event.type)?.customer}`
  const { from } = timestampOf(event)
  const ids = track.context.externalIds ?? []
  return [
    { to: '$.event', from: '$.type' },
    { to: '$.messageId', from: '$.id' },
    { to: '$.anonymousId', from: address, note: 'FNV-1a 64 of the whole address, as a decimal number' },
    {
      to: '$.timestamp',
      from,
      ...(from === null && { note: 'the time of receipt: the event has no valid one' }),
    },
    { to: '$.properties', from: '$.data', ...(isText && { note: 'the JSON in the text' }) },
    ...ids.flatMap(({ id }, index): Origin[] => [
      {
        to: `$.context.externalIds[${index}].id`,
        from: address,
        ...(id !== customer && { note: 'the address without its scheme' }),
      },
      {
        to: `$.context.externalIds[${index}].type`,
        from: address,
        note: 'phone for a number in E.164, else the scheme of the address',
      },
      { to: `$.context.externalIds[${index}].collection`, from: null, note: 'always the same' },
      { to: `$.context.externalIds[${index}].encoding`, from: null, note: 'always the same' },
    ]),
    { to: '$.context.app', from: null, note: 'this bridge' },
  ]
}

function dataOf(element: unknown): unknown {
  return typeof element === 'object' && element !== null && 'data' in element ? element.data : undefined
}
