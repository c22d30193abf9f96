/**
 * Events an hour as columns, the usual as a line across them; drops and spikes in their own colour and with an arrow. The
 * hour under the pointer is told in words, and the table below has every one.
 * @import { Quality } from '../quality.js'
 */
import { axes, bars, createPlot, fromZero, hairLine, steps } from '../../charts.js'
import { h, replaceChildren, setText } from '../../dom.js'
import { compact, number, plural } from '../../format.js'
import { local } from './definitions.js'

/** @typedef {Quality['types'][number]} TypeQuality */
/** @typedef {import('../../charts.js').Ink} Ink */

const HEIGHT = 260
const HOUR_S = 3_600
const inks = { drop: '--mark-drop', spike: '--mark-spike' }

/**
 * @param {Quality} quality
 * @param {TypeQuality} kind
 */
export function createVolume({ hours }, { type, volume }) {
  const { perHour, baseline, marks, silentSince } = volume
  const marked = new Map(marks.map(({ hour, kind }) => [hours.indexOf(hour), kind]))
  const text = h('p', { class: 'plot-text tabular', 'aria-hidden': 'true' })
  const summary = summarise(perHour, marks, silentSince)
  const running = hours.length - 1

  /** @param {number | null} index */
  function showHour(index) {
    setText(text, index === null || index < 0 || index > running ? summary : describe(index))
  }

  /** @param {number} i */
  function describe(i) {
    const usual = baseline[i] ?? null
    const words = [
      `${local(hours[i] ?? '')}–${endOf(hours[i] ?? '')}: ${plural(perHour[i] ?? 0, 'event')}`,
      usual === null ? 'baseline not known yet' : `usually ${number(Math.round(usual))}`,
      marked.get(i) ?? (i === running ? 'still running' : ''),
    ]
    return words.filter(word => word !== '').join(' · ')
  }

  const plot = createPlot({
    label: `Events per hour of ${type}. ${summary} The table below has every hour.`,
    height: HEIGHT,
    onPoint: showHour,
    options: ink => toOptions(ink, marked, running),
  })
  // One more hour, without a column, so that the last column has its place.
  const at = hours.map(hour => Date.parse(hour) / 1_000)
  const end = (at.at(-1) ?? 0) + HOUR_S
  plot.update([
    [...at, end],
    [...perHour, null],
    [...baseline, baseline.at(-1) ?? null],
  ])
  showHour(null)

  const element = h(
    'section',
    { class: 'card', 'aria-labelledby': 'volume-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'volume-title' }, 'Volume per hour'), createLegend()),
    h(
      'div',
      { class: 'card-body' },
      silentSince && h('p', { class: 'flag flag-silent' }, `Silent since ${local(silentSince)}`),
      text,
      h('figure', null, plot.element),
      createNumbers(hours, volume, marked),
    ),
  )
  return { element, destroy: plot.destroy }
}

/**
 * @param {readonly number[]} perHour
 * @param {TypeQuality['volume']['marks']} marks
 * @param {string | null} silentSince
 */
function summarise(perHour, marks, silentSince) {
  if (silentSince) return `No event since ${local(silentSince)}.`
  const drops = marks.filter(({ kind }) => kind === 'drop').length
  const odd = [drops && plural(drops, 'drop'), marks.length - drops && plural(marks.length - drops, 'spike')]
  const words = odd.filter(Boolean).join(' and ') || 'no drop, no spike'
  return `Up to ${plural(Math.max(0, ...perHour), 'event')} an hour, ${words}.`
}

/**
 * @param {Ink} ink
 * @param {ReadonlyMap<number, 'drop' | 'spike'>} marked
 * @param {number} running
 * @returns {Omit<import('uplot').Options, 'width' | 'height'>}
 */
function toOptions(ink, marked, running) {
  /** @param {number} i */
  function colour(i) {
    const kind = marked.get(i)
    if (kind) return ink(inks[kind])
    return ink('--volume', i === running ? 0.4 : 1)
  }
  const each = (/** @type {import('uplot')} */ u) => Array.from(u.data[0] ?? [], (_, i) => colour(i))
  const paint = { unit: /** @type {const} */ (3), values: each }
  return {
    padding: [14, 20, 0, 0],
    cursor: hairLine,
    scales: { x: { time: true, range: (_u, min, max) => [min, max] }, y: fromZero(4) },
    axes: axes(ink, { time: toTick, whole: true, value: compact }),
    series: [
      {},
      {
        stroke: () => ink('--volume'),
        fill: () => ink('--volume'),
        width: 0,
        ...bars({ align: 1, size: [0.82, 36, 1], radius: 0.08, disp: { fill: paint, stroke: paint } }),
        points: { show: false },
      },
      {
        stroke: () => ink('--usual'),
        width: 1.5,
        ...steps(),
        points: { show: false },
      },
    ],
    hooks: { draw: [u => drawMarks(u, ink, marked)] },
  }
}

/**
 * Arrows above the hours that stand out: colour alone is not enough for everybody.
 * @param {import('uplot')} u
 * @param {Ink} ink
 * @param {ReadonlyMap<number, 'drop' | 'spike'>} marked
 */
function drawMarks(u, ink, marked) {
  const { ctx } = u
  const ratio = devicePixelRatio
  ctx.save()
  ctx.font = `${10 * ratio}px system-ui, sans-serif`
  ctx.textAlign = 'center'
  for (const [i, kind] of marked) {
    const at = u.data[0][i]
    if (at === undefined) continue
    const highest = Math.max(u.data[1]?.[i] ?? 0, u.data[2]?.[i] ?? 0)
    ctx.fillStyle = ink(inks[kind])
    const x = u.valToPos(at + HOUR_S / 2, 'x', true)
    ctx.fillText(kind === 'drop' ? '▼' : '▲', x, u.valToPos(highest, 'y', true) - 4 * ratio)
  }
  ctx.restore()
}

const weekday = new Intl.DateTimeFormat('en', { weekday: 'short' })
const hourName = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

/** @param {string} hour */
const endOf = hour => hourName.format(new Date(Date.parse(hour) + HOUR_S * 1_000))

/**
 * @param {Date} at
 * @param {number} stepSeconds
 */
function toTick(at, stepSeconds) {
  const midnight = at.getHours() === 0 && at.getMinutes() === 0
  return midnight || stepSeconds >= 86_400 ? `${weekday.format(at)} ${at.getDate()}` : hourName.format(at)
}

function createLegend() {
  const key = (/** @type {string} */ name, /** @type {string} */ words) =>
    h('span', { class: 'key' }, h('span', { class: `swatch swatch-${name}`, 'aria-hidden': 'true' }), words)
  return h(
    'p',
    { class: 'legend push' },
    key('volume', 'Events'),
    key('usual', 'Baseline'),
    key('drop', '▼ Drop'),
    key('spike', '▲ Spike'),
  )
}

/**
 * @param {readonly string[]} hours
 * @param {TypeQuality['volume']} volume
 * @param {ReadonlyMap<number, 'drop' | 'spike'>} marked
 */
function createNumbers(hours, { perHour, baseline }, marked) {
  const rows = h('tbody')
  const fill = () => {
    if (rows.childElementCount > 0) return
    const newestFirst = hours.map((_, i) => hours.length - 1 - i)
    replaceChildren(
      rows,
      newestFirst.map(i => {
        const usual = baseline[i] ?? null
        const mark = marked.get(i)
        return h(
          'tr',
          null,
          h('th', { scope: 'row' }, local(hours[i] ?? '')),
          h('td', { class: 'figure' }, number(perHour[i] ?? 0)),
          h('td', { class: 'figure' }, usual === null ? '–' : number(Math.round(usual))),
          h(
            'td',
            null,
            mark ? `${mark === 'drop' ? '▼' : '▲'} ${mark}` : i === hours.length - 1 ? 'running' : '',
          ),
        )
      }),
    )
  }
  const head = ['Hour from', 'Events', 'Usual', 'Mark']
  return h(
    'details',
    { class: 'how', 'data-focus': 'numbers', on: { toggle: fill } },
    h('summary', null, 'As a table'),
    h(
      'div',
      { class: 'numbers', tabindex: 0, role: 'region', 'aria-label': 'Events per hour' },
      h(
        'table',
        { class: 'table' },
        h(
          'thead',
          null,
          h(
            'tr',
            null,
            head.map((name, i) =>
              h('th', { scope: 'col', class: i === 1 || i === 2 ? 'figure' : null }, name),
            ),
          ),
        ),
        rows,
      ),
    ),
  )
}
