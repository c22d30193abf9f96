/** Events in which one field is a string that has hurt others before, and what must become of each. */
import strings from 'big-list-of-naughty-strings/blns.json' with { type: 'json' }
import * as z from 'zod'
import { messageStatus } from '../../support/twilio.ts'
import type { Fate, SentEvent } from '../ledger.ts'

/** Unlike ones: an id may be there once only. */
export const naughty: readonly string[] = [...new Set(z.array(z.string()).parse(strings))]

export type NaughtyCase = { readonly event: SentEvent; readonly fate: Fate; readonly what: string }

const UNKEEPABLE = /[\p{Cc}\p{Cs}]/u
/** Segment's limit for a messageId; the stand-in discards longer ones behind its 200. */
const LONGEST_ID = 100
const dataFields = [
  ...[
    'to',
    'from',
    'body',
    'messageSid',
    'timestamp',
    'accountSid',
    'eventName',
    'apiVersion',
    'messageStatus',
  ],
  ...[
    'messagingServiceSid',
    'errorCode',
    'statusCallBackUrl',
    'mnc',
    'mcc',
    'rawDlrDoneDate',
    'dateUpdated',
    'more',
  ],
]

export function toCases(texts: readonly string[]): NaughtyCase[] {
  return texts.flatMap(text => {
    const isAttribute = text !== '' && !UNKEEPABLE.test(text)
    const attribute: Fate = isAttribute ? 'accepted' : 'rejected'
    const cases: [field: string, event: SentEvent, fate: Fate][] = [
      [
        'id',
        { ...messageStatus(), id: text },
        isAttribute && text.length > LONGEST_ID ? 'refused' : attribute,
      ],
      ['source', { ...messageStatus(), source: text }, attribute],
      ['type', { ...messageStatus(), type: text }, isAttribute ? 'skipped' : 'rejected'],
      ['time', { ...messageStatus(), time: text }, 'accepted'],
      ['dataschema', { ...messageStatus(), dataschema: text }, 'accepted'],
      ['datacontenttype', { ...messageStatus(), datacontenttype: text }, 'accepted'],
      ['specversion', { ...messageStatus(), specversion: text }, text === '1.0' ? 'accepted' : 'rejected'],
      ['another attribute', { ...messageStatus(), ...own(text, text) }, 'accepted'],
      ['data', { ...messageStatus(), data: text }, 'rejected'],
      ['a tag', messageStatus({ data: { tags: own(text, text) } }), 'accepted'],
      ['the name of a field', messageStatus({ data: own(text, text) }), 'accepted'],
    ]
    for (const field of dataFields) {
      const fate = field === 'to' && text === '' ? 'rejected' : 'accepted'
      cases.push([`data.${field}`, messageStatus({ data: { [field]: text } }), fate])
    }
    return cases.map(([field, event, fate]) => ({
      event,
      fate,
      what: `${field} ${JSON.stringify(text).slice(0, 60)}`,
    }))
  })
}

/** An own property whatever its name is. */
function own(name: string, value: string): Record<string, string> {
  return Object.fromEntries([[name, value]])
}
