/**
 * What came and what it becomes, side by side. Each mapped field knows where it came from: look at it, and its origin
 * lights up.
 * @import { Origin } from '../../../admin/field-origins.ts'
 * @import { About } from '../../../http/about.ts'
 * @import { EventJson as Detail } from '../../../http/event-json.ts'
 */
import { copyButton } from '../../copy.js'
import { h, replaceChildren } from '../../dom.js'
import { size } from '../../format.js'
import { parseExactly } from '../../json/exact.js'
import { isWithin } from '../../json/paths.js'
import { createRaw, toText } from '../../json/raw.js'
import { createTree } from '../../json/tree.js'

/**
 * @param {Detail} event
 * @param {{ raw: boolean, hide: (text: string) => string, retentionDays: number }} how
 */
export function createPanes(event, { raw, hide, retentionDays }) {
  const origins = event.origins ?? []
  const { value, tags } = unfold(event.received)
  const from = createTree(value, { faults: event.faults, hide, tags })
  const to = createTree(event.mapped, { hide, beside })
  const source = pane(
    typeof value === 'object' ? 'CloudEvent' : 'Body',
    'as Twilio sent it',
    event.received,
    from.element,
    gone(),
  )
  const target = pane('Track call', 'as sent to Segment', event.mapped, to.element, none())
  const element = h('div', { class: 'panes' }, source, target)

  /** @param {string} path */
  function beside(path) {
    const origin = origins.find(one => one.to === path)
    if (!origin) return null
    const place = origin.from
    if (place === null) return h('span', { class: 'json-tag' }, origin.note ?? 'set by the bridge')
    const label = `← ${place}${origin.note ? `: ${origin.note}` : ''}`
    const button = h('button', { type: 'button', class: 'json-origin', title: label }, '← ', place)
    button.addEventListener('click', () => from.reach(place)?.scrollIntoView({ block: 'nearest' }))
    return button
  }

  /** @param {Event} happened */
  function light(happened) {
    const at = happened.target instanceof Element ? happened.target.closest('.json-line[data-path]') : null
    for (const line of element.querySelectorAll('.json-lit')) line.classList.remove('json-lit')
    if (!(at instanceof HTMLElement)) return
    const path = at.dataset.path ?? ''
    const pairs = target.contains(at)
      ? follow(path, origins, 'to', 'from')
      : follow(path, origins, 'from', 'to')
    const other = target.contains(at) ? from : to
    const met = pairs.flatMap(pair => other.find(pair) ?? [])
    for (const line of met.length > 0 ? [at, ...met] : []) line.classList.add('json-lit')
  }
  if (!raw && origins.length > 0) {
    for (const kind of ['pointerover', 'focusin']) element.addEventListener(kind, light)
    for (const kind of ['pointerleave', 'focusout']) element.addEventListener(kind, light)
  }

  /**
   * @param {string} name
   * @param {string} note
   * @param {unknown} json
   * @param {HTMLElement} tree
   * @param {string} nothing
   */
  function pane(name, note, json, tree, nothing) {
    const text = json === null || json === undefined ? null : toText(json)
    const body = h('div', { class: 'pane-body', tabindex: 0, role: 'region', 'aria-label': name })
    if (json === null || json === undefined)
      replaceChildren(body, h('p', { class: 'pane-none soft' }, nothing))
    else if (!raw) replaceChildren(body, tree)
    else
      replaceChildren(
        body,
        text === null
          ? h('p', { class: 'pane-none soft' }, 'It is nested too deeply to be shown.')
          : createRaw(hide(text)),
      )
    return h(
      'section',
      { class: 'card pane' },
      h(
        'div',
        { class: 'card-head' },
        h('h2', null, name),
        h('span', { class: 'faint' }, note),
        text !== null &&
          h('span', { class: 'push faint tabular' }, size(new TextEncoder().encode(text).length)),
        text !== null && copyButton(`Copy the ${name} as JSON`, () => toText(json, 2) ?? ''),
      ),
      body,
    )
  }

  function gone() {
    if (event.unreadable !== undefined) return `Its stored bytes cannot be read: ${event.unreadable}.`
    return event.state === 'accepted' || event.state === 'skipped'
      ? `Its body was deleted, or cannot be shown as JSON. Accepted and skipped events are stored for ${retentionDays} days.`
      : 'It cannot be shown as JSON.'
  }

  function none() {
    return event.state === 'rejected'
      ? 'Not generated: the event failed validation.'
      : 'Not generated: unsupported event type, or the body was deleted.'
  }

  return element
}

/**
 * The data may be a JSON text inside the JSON, plain or in base64: it is shown as what it says.
 * @param {unknown} received
 * @returns {{ value: unknown, tags: Record<string, string> }}
 */
function unfold(received) {
  if (typeof received !== 'object' || received === null) return { value: received, tags: {} }
  const { data, data_base64 } = /** @type {{ data?: unknown, data_base64?: unknown }} */ (received)
  try {
    if (typeof data === 'string') return open('data', data, 'sent as a JSON string')
    if ((data === undefined || data === null) && typeof data_base64 === 'string')
      return open('data_base64', fromBase64(data_base64), 'sent as base64')
  } catch {
    // It is shown as it came.
  }
  return { value: received, tags: {} }

  /**
   * @param {string} name
   * @param {string} text
   * @param {string} tag
   */
  function open(name, text, tag) {
    const inner = parseExactly(text)
    if (typeof inner !== 'object' || inner === null) return { value: received, tags: {} }
    return { value: { .../** @type {object} */ (received), [name]: inner }, tags: { [`$.${name}`]: tag } }
  }
}

/** @param {string} base64 */
function fromBase64(base64) {
  const bytes = atob(base64.replaceAll('-', '+').replaceAll('_', '/'))
  return new TextDecoder().decode(Uint8Array.from(bytes, byte => byte.charCodeAt(0)))
}

/**
 * Paths on the other side: of this field, or of the mapped whole it is a part of.
 * @param {string} path
 * @param {readonly Origin[]} origins
 * @param {'to' | 'from'} here
 * @param {'to' | 'from'} there
 */
function follow(path, origins, here, there) {
  return origins.flatMap(origin => {
    const [near, far] = [origin[here], origin[there]]
    return near !== null && far !== null && isWithin(path, near) ? [far + path.slice(near.length)] : []
  })
}
