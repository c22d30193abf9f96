/**
 * Commands to take away. They hold what the event holds, the customer's number too: copying is asking for it.
 * @import { About } from '../../../http/about.ts'
 * @import { EventJson as Detail } from '../../../http/event-json.ts'
 */
import { copyButton } from '../../copy.js'
import { toText } from '../../json/raw.js'

/**
 * @param {Detail} event
 * @param {About | null} about
 */
export function createCopies(event, about) {
  const received = toText(event.received)
  return [
    copyButton('Copy as curl', () => toCurl(event, about), 'curl'),
    received !== null && copyButton('Copy as JSON', () => toText(event, 2) ?? '', 'JSON'),
    received !== null &&
      typeof event.received === 'object' &&
      copyButton(
        'Copy as replay command',
        () => `printf '%s\\n' ${quote(received)} | npx twilio-segment-bridge replay --again -`,
        'replay command',
      ),
  ]
}

/**
 * The track call to Segment; where there is none, the event from the bridge.
 * @param {Detail} event
 * @param {About | null} about
 */
function toCurl({ key, mapped }, about) {
  const body = mapped === null ? null : toText(mapped)
  if (body === null) {
    return `curl -sS ${quote(`${location.origin}/api/events/${encodeURIComponent(key)}`)} -H "Authorization: Bearer $ADMIN_TOKEN"`
  }
  const host = about?.segmentHost ?? 'https://api.segment.io'
  const origin = host.includes('://') ? host.replace(/\/+$/, '') : `https://${host}`
  return [
    `curl -sS ${quote(`${origin}/v1/track`)}`,
    '-u "$SEGMENT_WRITE_KEY:"',
    "-H 'content-type: application/json'",
    `--data-raw ${quote(body)}`,
  ].join(' \\\n  ')
}

/** For a POSIX shell. @param {string} text */
function quote(text) {
  return `'${text.replaceAll("'", "'\\''")}'`
}
