/**
 * A banner for as long as nobody has confirmed that events arrive: Segment answers 200 to a wrong write key too, and then
 * loses everything in silence. Asked once a visit, when the first event has been accepted.
 * @import { Api } from './api.js'
 * @import { Stream } from './stream.js'
 * @import { Status } from '../admin/status-schema.ts'
 */
import { h } from './dom.js'
import { button, icon } from './parts.js'

/** @param {{ api: Api, stream: Stream, toast: (text: string) => void }} page */
export function createArrivalBanner({ api, stream, toast }) {
  let isAsked = false
  const element = h(
    'div',
    { class: 'banner', role: 'region', 'aria-label': 'Arrival in Segment', hidden: true },
    icon('eye'),
    h(
      'span',
      { class: 'banner-text' },
      'Do your events arrive? Segment answers 200 to a wrong write key too. Look at Segment → Sources → your source → Debugger.',
    ),
    button('I see the events in Segment', { onClick: () => void confirm() }),
    button('Not now', { kind: 'quiet', onClick: () => hide() }),
  )

  async function ask() {
    isAsked = true
    try {
      /** @type {Status} */
      const { destinations } = await api.get('/status')
      element.hidden = !destinations.some(({ arrival }) => arrival === 'unconfirmed')
    } catch {
      // The next visit asks again.
    }
  }

  async function confirm() {
    try {
      await api.post('/confirm-arrival')
      toast('Recorded: events arrive in Segment')
      hide()
    } catch (error) {
      toast(error instanceof Error ? error.message : 'It could not be recorded')
    }
  }

  function hide() {
    element.hidden = true
  }

  stream.onPulse(({ stats }) => {
    if (!isAsked && stats.accepted > 0) void ask()
  })
  return {
    element,
    /** For whoever logs in next. */
    reset() {
      isAsked = false
      hide()
    },
  }
}
