/**
 * What an empty bridge shows: how to send the first event, on the host it runs on.
 * @import { About } from '../../../http/about.ts'
 */
import { copyButton } from '../../copy.js'
import { h } from '../../dom.js'
import { data } from '../../parts.js'

/** @param {About | null} about */
export function createFirst(about) {
  const webhook = about?.webhook ?? `${location.origin}/webhooks/twilio`
  const url = webhook.startsWith('/') ? location.origin + webhook : webhook
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)
  const to = about?.host === 'workers' ? ` --to ${url}` : ''
  return h(
    'div',
    { class: 'first' },
    h('h2', null, 'No events yet'),
    h('p', { class: 'soft' }, 'Every event that Twilio sends appears here within a second.'),
    h(
      'ol',
      { class: 'steps' },
      step(
        'Send a sample',
        [
          'Signed as Twilio signs it',
          about?.dryRun
            ? '; nothing leaves this machine, because no write key is set.'
            : '; Segment receives it as well.',
        ],
        `npx twilio-segment-bridge send delivered${to}`,
      ),
      step(
        'Connect Twilio',
        [
          'Creates the sink and its subscription, sends a test event and waits until it arrives here. Needs a public URL.',
        ],
        'npx twilio-segment-bridge sink create',
      ),
      h(
        'li',
        null,
        h('h3', null, 'Or point a sink here yourself'),
        ...(isLocal
          ? [
              h(
                'p',
                { class: 'soft' },
                'Twilio cannot reach ',
                h('code', null, new URL(url).host),
                ': set ',
                h('code', null, 'PUBLIC_URL'),
                ' to the address it can.',
              ),
            ]
          : [
              h('p', { class: 'soft' }, 'A webhook sink with method POST and this destination:'),
              h(
                'div',
                { class: 'command' },
                h('code', null, data(url)),
                copyButton('Copy the destination', () => url),
              ),
            ]),
      ),
    ),
  )
}

/**
 * @param {string} title
 * @param {string[]} text
 * @param {string} command
 */
function step(title, text, command) {
  return h(
    'li',
    null,
    h('h3', null, title),
    h('p', { class: 'soft' }, ...text),
    h(
      'div',
      { class: 'command' },
      h('code', null, command),
      copyButton('Copy the command', () => command),
    ),
  )
}
