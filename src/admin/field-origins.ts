/**
 * For people who look at an event: its track call, and from which field of the event each field of the call comes. By the
 * same functions as the call itself, so that it tells what was done and not what was meant. Pure.
 */
import { isObject, pathOfData, toEvent } from '../event/event.ts'
import { asDefault, type Mapping } from '../event/mapping.ts'
import { toJsonPath, walk } from '../event/path.ts'
import { type Judged, type TrackCall, timestampOf, toCall } from '../send/segment/map.ts'

/** JSONPaths: `to` in the call; `from` in the event, null where the value is none of the event's. */
export type Origin = { readonly to: string; readonly from: string | null; readonly note?: string }

export type Traced = { readonly track: TrackCall | undefined; readonly origins: readonly Origin[] }

export function toOrigins(
  element: unknown,
  receivedAt: number,
  exact: unknown = element,
  mapping: Mapping = asDefault,
): Traced {
  const judged = toEvent(element, mapping)
  if (!judged.ok || !isObject(element)) return { track: undefined, origins: [] }
  const track = toCall(judged, receivedAt, exact, mapping)
  const root = pathOfData(element)
  const note = root === '$.data' ? 'the JSON in the text' : 'the JSON in the base64'
  const at = (path: string) => root + toJsonPath(walk(judged.event.data, path)?.keys ?? [path])
  const properties = { to: '$.properties', from: root, ...(!isObject(element.data) && { note }) }
  return {
    track,
    origins: [
      {
        to: '$.event',
        from: '$.type',
        ...(mapping.eventNames === 'title' && { note: 'its readable name (EVENT_NAMES)' }),
      },
      {
        to: '$.messageId',
        from: '$.id',
        note: 'Segment keeps one of several calls with the same messageId, even if their events have different sources',
      },
      ...toIdentity(judged, at),
      toTime(judged, receivedAt, at),
      properties,
      ...toExternalIds(judged, track, at),
      { to: '$.context.app', from: null, note: 'this bridge' },
    ],
  }
}

function toIdentity({ customer: { address, userId, resource } }: Judged, at: At): Origin[] {
  const origins: Origin[] = []
  if (address) {
    const note = 'FNV-1a 64 of the whole address, with the scheme of its channel, as a decimal number'
    origins.push({ to: '$.anonymousId', from: at(address.path), note })
  }
  if (resource) {
    const note = 'no customer: what the event is about (NO_CUSTOMER)'
    origins.push({ to: '$.anonymousId', from: at(resource.path), note })
  }
  if (userId) origins.push({ to: '$.userId', from: at(userId.path), note: 'USER_ID_FROM' })
  return origins
}

type At = (path: string) => string

function toTime({ event, eventType }: Judged, receivedAt: number, at: At): Origin {
  const { from } = timestampOf(event, eventType, receivedAt)
  if (from === null)
    return { to: '$.timestamp', from, note: 'the time of receipt: the event has no valid one' }
  return { to: '$.timestamp', from: from === 'time' ? '$.time' : at(from.path) }
}

function toExternalIds({ customer: { address } }: Judged, { context }: TrackCall, at: At): Origin[] {
  if (address === undefined) return []
  const from = at(address.path)
  return (context.externalIds ?? []).flatMap(({ id, type }, index): Origin[] => [
    {
      to: `$.context.externalIds[${index}].id`,
      from,
      ...(id !== address.value && {
        note: type === 'phone' ? 'the phone number in it, in E.164' : 'the address without its scheme',
      }),
    },
    {
      to: `$.context.externalIds[${index}].type`,
      from,
      note: 'phone for a phone number, email for an e-mail, else the scheme of the address',
    },
    { to: `$.context.externalIds[${index}].collection`, from: null, note: 'always the same' },
    { to: `$.context.externalIds[${index}].encoding`, from: null, note: 'always the same' },
  ])
}
