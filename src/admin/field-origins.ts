/**
 * For people who look at an event: its track call, and from which field of the event each field of the call comes. By the
 * same functions as the call itself, so that it tells what was done and not what was meant. Pure.
 */
import { isObject, pathOfData, toEvent } from '../event/event.ts'
import { familyOf } from '../families/index.ts'
import { type Judged, type TrackCall, timestampOf, toCall } from '../send/segment/map.ts'

/** JSONPaths: `to` in the call; `from` in the event, null where the value is none of the event's. */
export type Origin = { readonly to: string; readonly from: string | null; readonly note?: string }

export type Traced = { readonly track: TrackCall | undefined; readonly origins: readonly Origin[] }

export function toOrigins(element: unknown, receivedAt: number, exact: unknown = element): Traced {
  const judged = toEvent(element)
  if (!judged.ok || !isObject(element)) return { track: undefined, origins: [] }
  const track = toCall(judged, receivedAt, exact)
  const path = pathOfData(element)
  const data = { path, note: path === '$.data' ? 'the JSON in the text' : 'the JSON in the base64' }
  return { track, origins: trace(judged, track, isObject(element.data) ? { path } : data) }
}

function trace(
  { event, customer }: Judged,
  track: TrackCall,
  data: { readonly path: string; readonly note?: string },
): Origin[] {
  const address = `${data.path}.${familyOf(event.type)?.customer}`
  const from = timestampOf(event).from?.replace(/^\$\.data(?=\.)/, data.path) ?? null
  const ids = track.context.externalIds ?? []
  return [
    { to: '$.event', from: '$.type' },
    {
      to: '$.messageId',
      from: '$.id',
      note: 'Segment keeps one of several calls with the same messageId, even if their events have different sources',
    },
    { to: '$.anonymousId', from: address, note: 'FNV-1a 64 of the whole address, as a decimal number' },
    {
      to: '$.timestamp',
      from,
      ...(from === null && { note: 'the time of receipt: the event has no valid one' }),
    },
    { to: '$.properties', from: data.path, ...(data.note && { note: data.note }) },
    ...ids.flatMap(({ id, type }, index): Origin[] => [
      {
        to: `$.context.externalIds[${index}].id`,
        from: address,
        ...(id !== customer && {
          note: type === 'phone' ? 'the phone number in it, in E.164' : 'the address without its scheme',
        }),
      },
      {
        to: `$.context.externalIds[${index}].type`,
        from: address,
        note: 'phone for a phone number, else the scheme of the address',
      },
      { to: `$.context.externalIds[${index}].collection`, from: null, note: 'always the same' },
      { to: `$.context.externalIds[${index}].encoding`, from: null, note: 'always the same' },
    ]),
    { to: '$.context.app', from: null, note: 'this bridge' },
  ]
}
