/**
 * What the figures mean, in words: does Segment accept events, does the bridge. Pure.
 * @import { LiveStats as Stats } from '../admin/changes.ts'
 * @import { About, ReasonText } from '../http/about.ts'
 */
import { duration, plural, relative } from './format.js'

/** What waits for a shorter time than this is only under way. */
const CALM_SECONDS = 10

/**
 * @typedef {object} Verdict
 * @property {'good' | 'slow' | 'bad' | 'idle'} tone
 * @property {string} answer  One or two words.
 * @property {string} text  One sentence.
 * @property {string | null} [remedy]
 * @property {string | null} [since]
 * @property {string | null} [nextAt]
 */

/**
 * Is Segment accepting events now?
 * @param {Stats} stats
 * @param {Pick<About, 'dryRun' | 'segmentHost'> | null} about
 * @param {Record<string, ReasonText>} reasons
 * @returns {Verdict}
 */
export function judgeSegment(stats, about, reasons) {
  const { delivery, notices, pending, unsorted, accepted, oldestPendingSeconds, destinations = [] } = stats
  if (about?.dryRun) {
    const remedy = 'Set SEGMENT_WRITE_KEY to send; what was held back can then be retried.'
    return {
      tone: 'idle',
      answer: 'Dry run',
      text: 'No write key is set: nothing leaves this bridge.',
      remedy,
    }
  }
  if (delivery.failures > 0) {
    const { reason, nextAttemptAt } = delivery
    const { title, remedy } = reasons[reason ?? ''] ?? { title: reason ?? 'Deliveries fail', remedy: null }
    const open = notices?.delivery.open.find(one => one.reason === reason)
    if (delivery.wait === 'retrying') {
      const text = `${title}. The first two failures are retried at once.`
      return { tone: 'slow', answer: 'Retrying', text, since: open?.since ?? null, nextAt: nextAttemptAt }
    }
    return {
      tone: 'bad',
      answer: 'No',
      text: `${title}.`,
      remedy,
      since: open?.since ?? null,
      nextAt: nextAttemptAt,
    }
  }
  const stopped = destinations.filter(({ paused }) => paused !== null).map(({ name }) => name)
  if (stopped.length > 0) {
    return {
      tone: 'bad',
      answer: 'Paused',
      text: `${stopped.join(', ')} ${stopped.length > 1 ? 'are' : 'is'} paused: events wait.`,
      remedy: 'Below, under Destinations, is why, and how to go on.',
    }
  }
  if (pending > 0 && oldestPendingSeconds > CALM_SECONDS) {
    return {
      tone: 'slow',
      answer: 'Yes',
      text: `The backlog is being sent: ${plural(pending, 'event')} to go.`,
    }
  }
  if (accepted + pending + unsorted === 0) {
    return { tone: 'idle', answer: 'Not tried yet', text: 'No event has been sent so far.' }
  }
  return { tone: 'good', answer: 'Yes', text: `${about?.segmentHost ?? 'Segment'} is accepting events.` }
}

/**
 * Is the bridge accepting events from Twilio?
 * @param {Stats} stats
 * @param {Record<string, ReasonText>} reasons
 * @returns {Verdict}
 */
export function judgeWebhook({ troubles, notices, received, unsorted }, reasons) {
  const [trouble, ...others] = troubles
  if (trouble !== undefined) {
    const text = `${trouble.charAt(0).toUpperCase()}${[trouble.slice(1), ...others].join(', and ')}.`
    return { tone: 'bad', answer: 'No', text, remedy: 'Twilio tries each event again for 4 hours.' }
  }
  const turned = notices && [...notices.outbox.open, ...notices.webhook.open][0]
  if (turned) {
    const { title, remedy } = reasons[turned.reason] ?? { title: turned.reason, remedy: null }
    return { tone: 'bad', answer: 'Rejecting requests', text: `${title}.`, remedy, since: turned.since }
  }
  if (received + unsorted === 0)
    return { tone: 'idle', answer: 'Ready', text: 'The outbox can be written; no event has arrived yet.' }
  return { tone: 'good', answer: 'Yes', text: 'Every event is on disk before Twilio gets its 2xx.' }
}

/**
 * Both answers in one line: what is worst, or that all is well.
 * @param {Stats} stats
 * @param {Pick<About, 'dryRun' | 'segmentHost'> | null} about
 * @param {Record<string, ReasonText>} reasons
 * @returns {{ tone: Verdict['tone'], text: string }}
 */
export function toHeadline(stats, about, reasons) {
  const webhook = judgeWebhook(stats, reasons)
  if (webhook.tone === 'bad') return { tone: 'bad', text: `Rejecting requests: ${webhook.text.slice(0, -1)}` }
  const { tone, answer, text, nextAt } = judgeSegment(stats, about, reasons)
  const next = nextAt ? ` · next try ${relative(nextAt)}` : ''
  if (tone === 'bad' || answer === 'Retrying') return { tone, text: `${text.slice(0, -1)}${next}` }
  if (tone === 'slow') {
    const age = duration(stats.oldestPendingSeconds * 1_000)
    return { tone, text: `Segment is accepting events; the oldest waits for ${age}` }
  }
  if (about?.dryRun) return { tone, text: 'Dry run: nothing is sent' }
  return { tone, text: tone === 'good' ? 'Segment is accepting events' : 'Ready: nothing sent so far' }
}
